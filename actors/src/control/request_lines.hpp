// Cuts what comes in over a connection, in pieces of any size, into lines, and holds no more of one than a request may
// have.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace tyto::detail {

class request_lines {
 public:
  explicit request_lines(std::size_t longest) : longest_(longest) {}

  /// Calls `take(line)` for each line that `bytes` end, without its end, until it returns false. Of one that is too
  /// long it gets the first longest + 1 bytes, as soon as they are there; the others are passed over.
  template <class Take>
  bool feed(std::string_view bytes, const Take& take) {
    while (!bytes.empty()) {
      const auto end = bytes.find('\n');
      if (!is_passing_over_) {
        line_ += bytes.substr(0, std::min({end, bytes.size(), longest_ + 1 - line_.size()}));
        is_passing_over_ = line_.size() > longest_;
        if (is_passing_over_ && !take_line(take)) return false;
      }
      if (end == std::string_view::npos) return true;
      bytes.remove_prefix(end + 1);
      const bool was_taken = is_passing_over_;
      is_passing_over_ = false;
      if (!was_taken && !take_line(take)) return false;
    }
    return true;
  }

 private:
  template <class Take>
  bool take_line(const Take& take) {
    const bool goes_on = take(std::string_view{line_});
    line_.clear();
    return goes_on;
  }

  const std::size_t longest_;
  std::string line_;
  bool is_passing_over_ = false;  // what is left of a line that was too long
};

}  // namespace tyto::detail

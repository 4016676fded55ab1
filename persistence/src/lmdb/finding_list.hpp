// What is found damaged in one file, up to a number that can be read.
#pragma once

#include <filesystem>
#include <string>
#include <utility>

#include "tyto/error.hpp"
#include "tyto/lmdb_store.hpp"

namespace tyto {

class finding_list {
 public:
  /// Adds to `report`, which must outlive it, what is found in `file`.
  finding_list(verification& report, std::filesystem::path file, std::size_t most)
      : report_(report), file_(std::move(file)), most_(most) {}

  void add(std::string where, std::string what, std::string advice) {
    ++count_;
    if (report_.findings.size() < most_) {
      report_.findings.push_back({file_, std::move(where), std::move(what), std::move(advice)});
    } else {
      ++report_.findings_left_out;
    }
  }
  void add(const error& found, std::string advice) { add(found.doing(), found.detail(), std::move(advice)); }

  /// There are as many more, of which nothing else is known.
  void leave_out(std::uint64_t findings) {
    count_ += findings;
    report_.findings_left_out += findings;
  }

  /// Returns how many there were, listed or not.
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] std::size_t room() const { return most_ - report_.findings.size(); }
  [[nodiscard]] verification& report() { return report_; }

 private:
  verification& report_;
  std::filesystem::path file_;
  std::size_t most_;
  std::uint64_t count_ = 0;
};

}  // namespace tyto

#include "row_comparison.hpp"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>

#include "field_comparison.hpp"
#include "tyto/codec.hpp"
#include "tyto/printable.hpp"
#include "tyto/row_key.hpp"
#include "tyto/table.hpp"

namespace tyto::testing {
namespace {

constexpr std::size_t rows_at_once = 256;

// The rows of one side, some at a time.
class row_cursor {
 public:
  row_cursor(const row_reader& rows, row_range range) : rows_(rows), range_(std::move(range)) {
    range_.limit = rows_at_once;
  }

  /// Returns the row that is next; nullptr behind the last one.
  result<const std::pair<std::string, std::string>*> look() {
    if (ahead_.empty() && !is_at_end_) {
      auto seen = scan(rows_, range_, [this](std::string_view key, std::string_view value) {
        ahead_.emplace_back(key, value);
        return visit::next;
      });
      if (!seen) return std::move(seen).error();
      is_at_end_ = ahead_.size() < rows_at_once;
      if (!ahead_.empty()) range_.from = ahead_.back().first + '\0';
    }
    return ahead_.empty() ? nullptr : &ahead_.front();
  }
  void pass() { ahead_.pop_front(); }

 private:
  const row_reader& rows_;
  row_range range_;
  std::deque<std::pair<std::string, std::string>> ahead_;
  bool is_at_end_ = false;
};

// Reads a key by what its table says of it, see describe_key(). Returns false where that is something else.
bool print_key(std::string_view& words, std::string_view& bytes, std::string& text) {
  const auto skip = [&words](std::string_view expected) {
    const bool is_there = words.starts_with(expected);
    if (is_there) words.remove_prefix(expected.size());
    return is_there;
  };
  if (skip("(")) {
    text += '(';
    while (!skip(")")) {
      if (skip(", ")) text += ", ";
      if (words.empty() || !print_key(words, bytes, text)) return false;
    }
    text += ')';
    return true;
  }
  (void)skip("time, ");
  if (skip("string")) {
    std::string value;
    if (!detail::get_key_string(bytes, value)) return false;
    text += printable(value);
    return true;
  }
  const bool is_signed = words.starts_with('i');
  if (!is_signed && !words.starts_with('u')) return false;
  words.remove_prefix(1);
  std::size_t bits = 0;
  for (; !words.empty() && std::isdigit(static_cast<unsigned char>(words.front())) != 0; words.remove_prefix(1)) {
    bits = bits * 10 + static_cast<std::size_t>(words.front() - '0');
  }
  if (skip(" of ")) words.remove_prefix(std::min(words.size(), words.find(" s") + 2));
  std::uint64_t value = 0;
  if (bits < 8 || bits > 64 || !detail::get_key_integer(bytes, value, bits / 8)) return false;
  if (is_signed) {
    const auto sign = std::uint64_t{1} << (bits - 1);
    // In 64 bits the difference might not fit.
    text += std::to_string(bits == 64 ? static_cast<std::int64_t>(value ^ sign)
                                      : static_cast<std::int64_t>(value) - static_cast<std::int64_t>(sign));
  } else {
    text += std::to_string(value);
  }
  return true;
}

std::string text_of(std::string_view key, std::string_view description) {
  std::string text;
  auto bytes = key;
  if (print_key(description, bytes, text) && bytes.empty()) return text;
  return printable(key);
}

}  // namespace

result<void> compare_rows(const projection_definition& projection, const row_reader& before, const row_reader& after,
                          std::size_t most_listed, read_model_summary& summary) {
  const auto& shape = projection.shape.description;
  const bool has_indexes = shape.find("; index ") != std::string::npos;
  const auto range = has_indexes ? detail::whole_area(std::string{detail::rows_area}) : row_range{};
  const std::size_t area_bytes = has_indexes ? 1 : 0;
  const auto add = [&](const std::string& key, const std::string* old_row, const std::string* new_row) {
    ++summary.differ;
    if (summary.rows.size() == most_listed) return;
    auto& row = summary.rows.emplace_back();
    row.key = text_of(std::string_view{key}.substr(area_bytes), shape);
    if (old_row != nullptr) row.before = to_json(*old_row);
    if (new_row != nullptr) row.after = to_json(*new_row);
    if (old_row != nullptr && new_row != nullptr) row.fields = differing_fields(*old_row, *new_row);
  };
  row_cursor left{before, range};
  row_cursor right{after, range};
  for (;;) {
    const auto old_row = left.look();
    if (!old_row) return old_row.error();
    const auto new_row = right.look();
    if (!new_row) return new_row.error();
    const auto* one = *old_row;
    const auto* other = *new_row;
    if (one == nullptr && other == nullptr) return {};
    if (other == nullptr || (one != nullptr && one->first < other->first)) {
      add(one->first, &one->second, nullptr);
    } else if (one == nullptr || other->first < one->first) {
      add(other->first, nullptr, &other->second);
    } else if (one->second != other->second) {
      add(one->first, &one->second, &other->second);
    }
    const bool takes_left = one != nullptr && (other == nullptr || one->first <= other->first);
    const bool takes_right = other != nullptr && (one == nullptr || other->first <= one->first);
    if (takes_left) ++summary.rows_before, left.pass();
    if (takes_right) ++summary.rows_after, right.pass();
  }
}

}  // namespace tyto::testing

// A stored value as a failed test shows it: like JSON, but so that two values that differ look different. Numbers that
// JSON does not know are inf, -inf and nan, and bytes that are no UTF-8 and characters that nobody sees are escaped.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tyto::detail {

struct shown_value {
  enum class kind { plain, list, fields };
  kind what = kind::plain;
  std::string text = {};  // of a plain value
  /// Elements, whose names are empty, or fields. A map whose keys are not strings is a list of pairs.
  std::vector<std::pair<std::string, shown_value>> parts = {};
};

/// Takes MessagePack apart.
shown_value show_value(std::string_view bytes);

/// Returns the value as one line.
std::string line_of(const shown_value& value);

}  // namespace tyto::detail

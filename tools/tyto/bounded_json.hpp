// JSON from outside. Who takes an object apart that is nested a hundred thousand times runs out of stack.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

namespace tyto::tool {

/// Returns the value that `text` says; discarded if that is not JSON, or is nested deeper than a hundred times.
inline nlohmann::ordered_json parse_bounded(std::string_view text) {
  constexpr int deepest = 100;
  int depth = 0;
  bool is_quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char each = text[i];
    if (is_quoted && each == '\\') {
      ++i;
    } else if (each == '"') {
      is_quoted = !is_quoted;
    } else if (!is_quoted && (each == '[' || each == '{')) {
      if (++depth > deepest) return nlohmann::ordered_json(nlohmann::ordered_json::value_t::discarded);
    } else if (!is_quoted && (each == ']' || each == '}')) {
      --depth;
    }
  }
  return nlohmann::ordered_json::parse(text, nullptr, false);
}

}  // namespace tyto::tool

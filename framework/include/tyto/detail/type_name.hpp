// The names of types, for messages to people.
#pragma once

#include <string_view>

namespace tyto::detail {

/// Returns the name of T without its namespaces: `cancel` for shop::order::cancel.
template <class T>
consteval std::string_view type_name() {
  std::string_view name = __PRETTY_FUNCTION__;  // "… [with T = shop::order::cancel; …]"
  name.remove_prefix(name.find("T = ") + 4);
  name = name.substr(0, name.find_first_of(";]"));
  const auto scope = name.substr(0, name.find('<')).rfind("::");
  return scope == std::string_view::npos ? name : name.substr(scope + 2);
}

}  // namespace tyto::detail

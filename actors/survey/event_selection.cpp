#include "event_selection.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "tyto/codec.hpp"
#include "tyto/printable.hpp"

namespace tyto::survey {
namespace {

const nlohmann::json* find(const nlohmann::json& in, std::string_view name) {
  if (in.is_object()) {
    const auto found = in.find(name);
    return found == in.end() ? nullptr : &*found;
  }
  std::size_t index = 0;
  const auto [end, failed] = std::from_chars(name.data(), name.data() + name.size(), index);
  const bool is_index = failed == std::errc{} && end == name.data() + name.size();
  return in.is_array() && is_index && index < in.size() ? &in[index] : nullptr;
}

bool has(const nlohmann::json& payload, const field_condition& wanted) {
  const auto* at = &payload;
  std::string_view rest{wanted.path};
  while (at != nullptr && !rest.empty()) {
    const auto point = rest.find('.');
    at = find(*at, rest.substr(0, point));
    rest = point == std::string_view::npos ? std::string_view{} : rest.substr(point + 1);
  }
  if (at == nullptr) return false;
  if (at->is_string()) return at->get_ref<const std::string&>() == wanted.value;
  return at->dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) == wanted.value;
}

}  // namespace

result<field_condition> field_condition::parse(std::string_view text) {
  const auto sign = text.find('=');
  if (sign == std::string_view::npos || sign == 0) {
    return error{errc::invalid_argument, "reading the condition '" + printable(text) + "'",
                 "write FIELD=VALUE, for example cents=500 or address.city=Oslo"};
  }
  return field_condition{std::string{text.substr(0, sign)}, std::string{text.substr(sign + 1)}};
}

bool event_selection::takes(const event_view& event) const {
  if (since && event.meta.time < *since) return false;
  if (until && event.meta.time >= *until) return false;
  if (correlation && event.meta.correlation_id != *correlation) return false;
  if (where.empty()) return true;
  const auto payload = nlohmann::json::parse(to_json(event.payload), nullptr, false);
  return std::ranges::all_of(where, [&](const field_condition& each) { return has(payload, each); });
}

}  // namespace tyto::survey

#include "field_comparison.hpp"

#include "tyto/codec.hpp"

namespace tyto::testing {

std::optional<std::map<std::string, std::string_view>> fields_of(std::string_view payload) {
  decoder in{payload};
  std::size_t size = 0;
  if (!in.ok() || !in.get_map(size)) return std::nullopt;
  std::map<std::string, std::string_view> fields;
  for (; size > 0; --size) {
    std::string_view name;
    if (!in.get_string(name)) return std::nullopt;
    const char* begin = in.tell();
    in.skip();
    fields.emplace(name, std::string_view{begin, static_cast<std::size_t>(in.tell() - begin)});
  }
  return fields;
}

std::vector<field_difference> differing_fields(std::string_view before, std::string_view after) {
  std::vector<field_difference> found;
  const auto old_fields = fields_of(before);
  const auto new_fields = fields_of(after);
  if (!old_fields || !new_fields) return found;
  for (const auto& [name, value] : *old_fields) {
    const auto other = new_fields->find(name);
    if (other == new_fields->end()) {
      found.push_back({name, to_json(value), {}});
    } else if (other->second != value) {
      found.push_back({name, to_json(value), to_json(other->second)});
    }
  }
  for (const auto& [name, value] : *new_fields) {
    if (!old_fields->contains(name)) found.push_back({name, {}, to_json(value)});
  }
  return found;
}

}  // namespace tyto::testing

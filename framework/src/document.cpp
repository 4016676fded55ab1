#include "tyto/document.hpp"

#include <algorithm>
#include <stdexcept>

namespace tyto {

result<document> document::open(std::string_view payload) { return from_bytes<document>(payload); }

bool document::rename(std::string_view from, std::string_view to) {
  const auto found = std::ranges::find(fields_, from, &field::name);
  if (found == fields_.end()) return false;
  if (from != to && has(to)) {
    throw std::invalid_argument("tyto: the field '" + std::string{from} +
                                "' cannot be renamed, for there is a field '" + std::string{to} + "'");
  }
  found->name = to;
  return true;
}

bool document::erase(std::string_view name) {
  return std::erase_if(fields_, [name](const field& each) { return each.name == name; }) > 0;
}

void document::encode_to(encoder& out) const {
  const encoder::level inside{out};
  out.put_map(fields_.size());
  for (const auto& each : fields_) {
    out.put_string(each.name);
    out.put_encoded(each.value);
  }
}

bool document::decode_from(decoder& in) {
  std::size_t size = 0;
  if (!in.get_map(size)) return false;
  fields_.clear();
  for (; size > 0; --size) {
    std::string_view name;
    if (!in.get_string(name)) return false;
    const char* begin = in.tell();
    in.skip();
    fields_.push_back({std::string{name}, std::string{begin, in.tell()}});
  }
  return true;
}

const std::string* document::find(std::string_view name) const {
  const auto found = std::ranges::find(fields_, name, &field::name);
  return found == fields_.end() ? nullptr : &found->value;
}

void document::set_encoded(std::string_view name, std::string value) {
  const auto found = std::ranges::find(fields_, name, &field::name);
  if (found == fields_.end()) {
    fields_.push_back({std::string{name}, std::move(value)});
  } else {
    found->value = std::move(value);
  }
}

error document::unreadable(std::string_view name, const std::string& why) {
  return {errc::undecodable, "reading the field '" + std::string{name} + "' of a document", why};
}

}  // namespace tyto

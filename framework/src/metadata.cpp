#include "tyto/metadata.hpp"

namespace tyto {

std::string make_persistence_id(std::string_view category, std::string_view entity) {
  std::string id;
  id.reserve(category.size() + 1 + entity.size());
  id += category;
  id += '|';
  id += entity;
  return id;
}

result<void> check_persistence_id(std::string_view id) {
  const auto refuse = [id](std::string why) {
    return error{errc::invalid_argument, "naming the stream '" + std::string{id.substr(0, 80)} + "'", std::move(why)};
  };
  const auto bar = id.find('|');
  if (bar == std::string_view::npos || bar == 0 || bar + 1 == id.size()) {
    return refuse("a persistence id is 'category|entity' with neither part empty");
  }
  if (id.size() > max_persistence_id_bytes) {
    return refuse("it has " + std::to_string(id.size()) + " bytes, the limit is " +
                  std::to_string(max_persistence_id_bytes));
  }
  if (id.find('\0') != std::string_view::npos) return refuse("it holds a NUL byte");
  return {};
}

std::string metadata::idempotency_key(std::string_view consumer) const {
  std::string key{consumer};
  key += '/';
  key += std::to_string(position);
  if (part > 0) key += "." + std::to_string(part);
  return key;
}

}  // namespace tyto

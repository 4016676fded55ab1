#include "tyto/event_filter.hpp"

#include <algorithm>

#include "tyto/metadata.hpp"

namespace tyto {
namespace {

// A list of a handful is gone through faster than a tree.
bool allows(const std::vector<std::string>& wanted, std::string_view name) {
  return wanted.empty() || std::ranges::find(wanted, name) != wanted.end();
}

}  // namespace

bool event_filter::takes(std::string_view type, std::string_view persistence_id) const {
  return allows(types, type) && (categories.empty() || allows(categories, category_of(persistence_id)));
}

}  // namespace tyto

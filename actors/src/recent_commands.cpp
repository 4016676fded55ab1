#include "recent_commands.hpp"

#include <xxhash.h>

namespace tyto::detail {

recent_commands::key recent_commands::key_of(std::string_view id) {
  const auto hash = XXH3_128bits(id.data(), id.size());
  return {hash.low64, hash.high64};
}

const committed* recent_commands::find(std::string_view id) const {
  const auto found = outcomes_.find(key_of(id));
  return found == outcomes_.end() ? nullptr : &found->second;
}

void recent_commands::note(std::string_view id, const committed& outcome) {
  const auto hashed = key_of(id);
  if (!outcomes_.insert_or_assign(hashed, outcome).second) return;
  order_.push(hashed);
  if (order_.size() > limit_) outcomes_.erase(order_.pop());
}

}  // namespace tyto::detail

#include "aggregate/recent_commands.hpp"

#include <xxhash.h>

#include <utility>

namespace tyto::detail {

recent_commands::key recent_commands::key_of(std::string_view id) {
  const auto hash = XXH3_128bits(id.data(), id.size());
  return {hash.low64, hash.high64};
}

const first_outcome* recent_commands::find(std::string_view id) const {
  const auto found = outcomes_.find(key_of(id));
  return found == outcomes_.end() ? nullptr : &found->second;
}

void recent_commands::note(std::string_view id, first_outcome outcome) { note(key_of(id), std::move(outcome)); }

void recent_commands::note(const key& hashed, first_outcome outcome) {
  if (!outcomes_.insert_or_assign(hashed, std::move(outcome)).second) return;
  order_.push(hashed);
  if (order_.size() > limit_) outcomes_.erase(order_.pop());
}

std::vector<recent_commands::entry> recent_commands::entries() const {
  std::vector<entry> all;
  for (const auto& hashed : order_) {
    const auto& [stored, refused] = outcomes_.at(hashed);
    if (stored.sequence_number == 0) continue;
    auto& each =
        all.emplace_back(entry{hashed.low, hashed.high, stored.position, stored.sequence_number, stored.event_count});
    if (!refused) continue;
    auto what = recorded(*refused);
    each.refused = std::move(what.reason);
    each.code = std::move(what.code);
    each.refusal = std::move(what.refusal);
  }
  return all;
}

void recent_commands::note(const std::vector<entry>& entries) {
  for (const auto& each : entries) {
    first_outcome outcome{{each.position, each.sequence_number, each.events}, nullptr};
    if (each.refused) {
      outcome.refused = std::make_shared<const rejection>(rejection_of({*each.refused, each.code, each.refusal}));
    }
    note(key{each.low, each.high}, std::move(outcome));
  }
}

std::uint64_t recent_commands::since() const {
  if (order_.empty()) return 0;
  const auto& oldest = outcomes_.at(order_.front()).stored;
  return oldest.sequence_number == 0 ? 0 : oldest.sequence_number - oldest.event_count + 1;
}

}  // namespace tyto::detail

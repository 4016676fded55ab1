#include "aggregate/recent_commands.hpp"

#include <xxhash.h>

#include <algorithm>
#include <utility>

namespace tyto::detail {
namespace {

constexpr std::size_t max_looked_through = 16;

}  // namespace

recent_commands::key recent_commands::key_of(std::string_view id) {
  const auto hash = XXH3_128bits(id.data(), id.size());
  return {hash.low64, hash.high64};
}

const first_outcome* recent_commands::find(std::string_view id) const {
  const auto place = place_of(key_of(id));
  return place ? &outcomes_[*place].outcome : nullptr;
}

std::optional<std::size_t> recent_commands::place_of(const key& hashed) const {
  if (by_key_) {
    const auto found = by_key_->find(hashed);
    return found == by_key_->end() ? std::nullopt : std::optional<std::size_t>{found->second - forgotten_};
  }
  const auto found = std::ranges::find(outcomes_.begin(), outcomes_.end(), hashed, &noted::hashed);
  return found == outcomes_.end() ? std::nullopt : std::optional<std::size_t>(found - outcomes_.begin());
}

void recent_commands::note(std::string_view id, first_outcome outcome) { note(key_of(id), std::move(outcome)); }

void recent_commands::note(const key& hashed, first_outcome outcome) {
  if (const auto known = place_of(hashed)) {
    outcomes_[*known].outcome = std::move(outcome);
    return;
  }
  outcomes_.push({hashed, std::move(outcome)});
  if (by_key_) {
    by_key_->emplace(hashed, forgotten_ + outcomes_.size() - 1);
  } else if (outcomes_.size() > max_looked_through) {
    make_index();
  }
  if (outcomes_.size() <= limit_) return;
  const auto oldest = outcomes_.pop();
  ++forgotten_;
  if (by_key_) by_key_->erase(oldest.hashed);
}

void recent_commands::make_index() {
  by_key_ = std::make_unique<index>();
  for (std::size_t i = 0; const auto& each : outcomes_) by_key_->emplace(each.hashed, forgotten_ + i++);
}

std::vector<recent_commands::entry> recent_commands::entries() const {
  std::vector<entry> all;
  for (const auto& [hashed, outcome] : outcomes_) {
    const auto& [stored, refused] = outcome;
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
  if (outcomes_.empty()) return 0;
  const auto& oldest = outcomes_.front().outcome.stored;
  return oldest.sequence_number == 0 ? 0 : oldest.sequence_number - oldest.event_count + 1;
}

}  // namespace tyto::detail

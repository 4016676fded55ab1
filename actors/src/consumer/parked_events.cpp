#include "consumer/parked_events.hpp"

#include <utility>

namespace tyto::detail {

result<void> parked_events::load(const event_store& journal, std::string_view consumer,
                                 const std::function<bool(std::string_view key)>& is_ours) {
  auto letters = dead_letters(journal, consumer);
  if (!letters) return std::move(letters).error();
  *this = {};
  for (const auto& letter : *letters) {
    if (is_ours(letter.event.key)) add(letter.event.position, letter.event.key);
  }
  return {};
}

void parked_events::add(std::uint64_t position, const std::string& key) {
  const auto [added, is_new] = by_position_.try_emplace(position, key);
  if (is_new) waiting_[added->second].insert(position);
}

void parked_events::remove(std::uint64_t position) {
  const auto found = by_position_.find(position);
  if (found == by_position_.end()) return;
  const auto waiting = waiting_.find(found->second);
  waiting->second.erase(position);
  if (waiting->second.empty()) waiting_.erase(waiting);
  by_position_.erase(found);
}

bool parked_events::blocks(std::string_view key, std::uint64_t position) const {
  const auto waiting = waiting_.find(key);
  return waiting != waiting_.end() && *waiting->second.begin() <= position;
}

}  // namespace tyto::detail

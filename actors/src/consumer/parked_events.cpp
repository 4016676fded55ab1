#include "consumer/parked_events.hpp"

#include <utility>

namespace tyto::detail {

result<void> parked_events::load(const event_store& journal, std::string_view consumer,
                                 const std::function<bool(std::string_view key)>& is_ours) {
  auto all = dead_letters(journal, consumer);
  if (!all) return std::move(all).error();
  *this = {};
  for (const auto& [event, since] : *all) {
    if (!is_ours(event.key)) continue;
    add({event.position, event.part}, event.key, event.has_known_key || event.key != event.persistence_id);
  }
  return {};
}

void parked_events::add(const delivery_id& letter, const std::string& key, bool is_known) {
  const auto [added, is_new] = letters_.try_emplace(letter, key);
  if (!is_new) return;
  waiting_[added->second].insert(letter);
  if (!is_known) unknown_.insert(letter);
}

void parked_events::remove(const delivery_id& letter) {
  const auto found = letters_.find(letter);
  if (found == letters_.end()) return;
  const auto waiting = waiting_.find(found->second);
  waiting->second.erase(letter);
  if (waiting->second.empty()) waiting_.erase(waiting);
  letters_.erase(found);
  unknown_.erase(letter);
}

bool parked_events::hold(const metadata& event) const {
  return contains({event.position, std::nullopt}) || contains({event.position, event.part});
}

bool parked_events::block(std::string_view key, const metadata& event) const {
  const auto waiting = waiting_.find(key);
  return waiting != waiting_.end() && *waiting->second.begin() <= delivery_id{event.position, event.part};
}

}  // namespace tyto::detail

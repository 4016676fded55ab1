// Which deliveries to a consumer are dead letters, and which keys wait behind them: what the consumer's record in the
// journal says, in memory.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "tyto/dead_letter.hpp"

namespace tyto::detail {

/// Returns what stands for the delivery of an event: itself, or the part of it that it is.
inline delivery_id delivery_of(const metadata& event) {
  return {event.position, event.parts > 1 ? std::optional{event.part} : std::nullopt};
}

/// Whether a dead letter or its release is about the delivery of `event`. A letter that is a whole event stands for all
/// parts into which the event is split today.
inline bool is_about(const delivery_id& letter, const metadata& event) {
  return letter.position == event.position && letter.part.value_or(event.part) == event.part;
}

class parked_events {
 public:
  /// Begins anew with what the journal says of those whose key `is_ours`.
  result<void> load(const event_store& journal, std::string_view consumer,
                    const std::function<bool(std::string_view key)>& is_ours);

  /// Whose key `is_known`, or is the event's stream in place of it.
  void add(const delivery_id& letter, const std::string& key, bool is_known);
  void remove(const delivery_id& letter);

  [[nodiscard]] bool contains(const delivery_id& letter) const { return letters_.contains(letter); }
  /// Whether `event` is one of them.
  [[nodiscard]] bool hold(const metadata& event) const;
  /// Whether `event`, with `key`, must wait for one before it.
  [[nodiscard]] bool block(std::string_view key, const metadata& event) const;
  /// Whether events with `key` wait.
  [[nodiscard]] bool has(std::string_view key) const { return waiting_.contains(key); }
  /// Whether there are some whose key is not known.
  [[nodiscard]] bool have_unknown_keys() const { return !unknown_.empty(); }
  /// All of them, with their keys.
  [[nodiscard]] const std::map<delivery_id, std::string>& letters() const { return letters_; }

 private:
  std::map<delivery_id, std::string> letters_;
  std::map<std::string, std::set<delivery_id>, std::less<>> waiting_;  // by key
  std::set<delivery_id> unknown_;                                      // those whose key is not known
};

}  // namespace tyto::detail

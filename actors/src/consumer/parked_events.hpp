// Which events of a consumer are dead letters, and which keys wait behind them: what the consumer's record in the
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

class parked_events {
 public:
  /// Begins anew with what the journal says of those whose key `is_ours`.
  result<void> load(const event_store& journal, std::string_view consumer,
                    const std::function<bool(std::string_view key)>& is_ours);

  void add(std::uint64_t position, const std::string& key);
  void remove(std::uint64_t position);

  [[nodiscard]] bool contains(std::uint64_t position) const { return by_position_.contains(position); }
  /// Whether the event at `position`, with `key`, must wait: for itself or one before it.
  [[nodiscard]] bool blocks(std::string_view key, std::uint64_t position) const;
  /// Whether events with `key` wait.
  [[nodiscard]] bool has(std::string_view key) const { return waiting_.contains(key); }
  [[nodiscard]] const std::map<std::uint64_t, std::string>& by_position() const { return by_position_; }

 private:
  std::map<std::uint64_t, std::string> by_position_;                     // the keys
  std::map<std::string, std::set<std::uint64_t>, std::less<>> waiting_;  // positions of each key
};

}  // namespace tyto::detail

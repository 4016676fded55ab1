// How a consumer's events are split by their keys, and one of the parts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tyto/consumer.hpp"
#include "tyto/event_store.hpp"

namespace tyto::detail {

/// What an event has in common with those that must be handled in order with it.
struct event_key {
  std::string text;
  bool is_known = true;  // else it cannot be told, and the event goes by its stream
};

/// Returns the key by which `consumer` takes `event`.
event_key key_of(const consumer_definition& consumer, const recorded_event& event);

/// Returns to which of `count` parts events with `key` belong. The same in every run and every version.
std::size_t partition_of(std::string_view key, std::size_t count);

struct partition {
  std::size_t index = 0;
  std::size_t count = 1;
  /// How far the parts were when there was another number of them, if that still matters.
  std::vector<std::uint64_t> before = {};

  /// Whether events with `key` belong to it.
  [[nodiscard]] bool has(std::string_view key) const { return count == 1 || partition_of(key, count) == index; }
  /// Whether it has to handle the event at `position`: it is one of its own, and the part that had its key before was
  /// not done with it.
  [[nodiscard]] bool takes(std::string_view key, std::uint64_t position) const;
  /// Whether it takes everything.
  [[nodiscard]] bool is_whole() const { return count == 1 && before.empty(); }

  /// What to call it: "billing", or "billing[2/4]".
  [[nodiscard]] std::string label(const std::string& consumer) const;
  /// The name of its checkpoint: "billing", or "billing#1/4".
  [[nodiscard]] std::string checkpoint(const std::string& consumer) const;
};

/// Returns how far each consumer is whose checkpoints are among `all`: of one in partitions, as the slowest of as many
/// as it had the last time.
std::map<std::string, std::uint64_t> positions_of_consumers(const std::vector<checkpoint>& all);

/// Sees to it that the parts of a consumer have checkpoints for as many as there are now: where there were more or
/// fewer the last time, all begin at the slowest one's; where there were none, at `from`. Returns partition::before. To
/// be called before anyone else appends.
result<std::vector<std::uint64_t>> split_checkpoints(event_store& journal, const std::string& consumer,
                                                     std::size_t count, start_from from = start_from::beginning);

}  // namespace tyto::detail

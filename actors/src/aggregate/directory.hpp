// Which aggregates are live, and where their mailboxes are. Commands from callers and consumers come through here; what
// has not been used for long is sent to sleep from here.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <unordered_map>

#include "actor/host.hpp"
#include "aggregate/aggregate_actor.hpp"
#include "messages.hpp"

namespace tyto::detail {

/// Safe to use from any thread. Split by persistence id, so that senders seldom wait for each other.
class directory {
 public:
  /// Keeps about `max_live` aggregates live: beyond it the least recently used are asked to passivate.
  directory(const aggregate_surroundings& around, host& runs_on, std::size_t max_live);

  /// Posts `message` to the aggregate `persistence_id`, which is brought to life if it is not live.
  void post(const aggregate_definition& definition, std::string persistence_id, aggregate_message message);
  /// The same by mailbox::post_for_turn().
  [[nodiscard]] std::function<void()> post_for_turn(const aggregate_definition& definition, std::string persistence_id,
                                                    aggregate_message message);

  /// Asks the aggregates that were last used before `since` to passivate.
  void passivate_unused(std::chrono::steady_clock::time_point since);

  /// Called by an aggregate that was asked to passivate and has nothing in hand: gives up its entry and returns true,
  /// unless something has been posted under its persistence id since it was asked. So no message is ever left in a
  /// mailbox that nobody reads, and none overtakes another. An aggregate that has left and is asked again, late, does
  /// not speak for the one that has been brought to life since.
  bool forget(const std::string& persistence_id, std::uint64_t last_posted);

  [[nodiscard]] std::size_t live() const;

  /// Ends all aggregates.
  void close();

 private:
  struct entry {
    address<aggregate_message> aggregate;
    std::uint64_t last_posted = 0;  // the number of the last message, see shard::posted
    std::chrono::steady_clock::time_point last_used;
    std::list<entry*>::iterator place;
  };

  struct shard {
    mutable std::mutex mutex;
    std::unordered_map<std::string, entry> live;
    std::list<entry*> by_use;  // the most recently used first
    std::uint64_t posted = 0;  // messages so far, to all: no two have the same number, whichever aggregate they went to

    void ask_to_passivate(entry& asked);
  };

  using post_way = std::function<void()>(const address<aggregate_message>&, aggregate_message&);
  std::function<void()> post_by(post_way* way, const aggregate_definition& definition, std::string persistence_id,
                                aggregate_message message);
  [[nodiscard]] shard& shard_of(const std::string& persistence_id);

  const aggregate_surroundings& around_;
  host& host_;
  std::array<shard, 64> shards_;
  const std::size_t max_live_per_shard_;
};

}  // namespace tyto::detail

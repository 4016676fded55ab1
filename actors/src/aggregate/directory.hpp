// Which shard an aggregate is in. Commands from callers and consumers come through here.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <vector>

#include "actor/host.hpp"
#include "aggregate/aggregate_shard.hpp"
#include "messages.hpp"

namespace tyto::detail {

/// Safe to use from any thread.
class directory {
 public:
  /// Keeps about `max_live` aggregates live.
  directory(const aggregate_surroundings& around, host& runs_on, std::size_t max_live);
  directory(const directory&) = delete;
  directory& operator=(const directory&) = delete;

  /// Posts `command` to the shard of its aggregate.
  void post(run_command&& command);
  /// Posts `commands`, so that threads wake up once for all of them.
  void post_all(std::vector<run_command> commands);

  /// Has the aggregates leave memory that were last used before `since` and have nothing in hand.
  void passivate(std::chrono::steady_clock::time_point since);

  [[nodiscard]] std::size_t live() const;
  [[nodiscard]] command_counts counts() const;

  /// Ends all aggregates.
  void close();

 private:
  struct alignas(64) shard {
    address<shard_message> aggregates;
    std::atomic<std::size_t> live = 0;
    aggregate_counts counts;
  };

  [[nodiscard]] std::size_t place_of(const run_command& command) const {
    return command.aggregate.hash % shards_.size();
  }
  [[nodiscard]] const address<shard_message>& shard_of(const run_command& command) const {
    return shards_[place_of(command)].aggregates;
  }

  // A decide() that blocks holds up the others of its shard: so few in a hundred.
  std::array<shard, 64> shards_;
};

}  // namespace tyto::detail

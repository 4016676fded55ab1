// What the aggregates of a shard have done since the runtime started, for status().
#pragma once

#include <atomic>
#include <cstdint>

#include "tyto/status.hpp"

namespace tyto::detail {

/// A number that one thread at a time counts up, and any may look at. It costs what adding to an integer costs.
class event_counter {
 public:
  void add() { value_.store(value_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_ = 0;
};

struct aggregate_counts {
  event_counter commands;
  event_counter rejections;
  event_counter conflicts;
  event_counter repetitions;
  event_counter recoveries;
  event_counter snapshots_used;

  void add_to(command_counts& sum) const {
    sum.commands += commands.value();
    sum.rejections += rejections.value();
    sum.conflicts += conflicts.value();
    sum.repetitions += repetitions.value();
    sum.recoveries += recoveries.value();
    sum.snapshots_used += snapshots_used.value();
  }
};

}  // namespace tyto::detail

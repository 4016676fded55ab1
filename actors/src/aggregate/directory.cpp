#include "aggregate/directory.hpp"

#include <algorithm>
#include <utility>

namespace tyto::detail {

directory::directory(const aggregate_surroundings& around, host& runs_on, std::size_t max_live) {
  const auto max_live_in_each = std::max<std::size_t>(max_live / shards_.size(), 1);
  for (auto& each : shards_) {
    each.aggregates = spawn<aggregate_shard>(runs_on, placement::shared, around, runs_on, max_live_in_each, each.live);
  }
}

const address<shard_message>& directory::shard_of(const run_command& command) const {
  return shards_[command.aggregate.hash % shards_.size()].aggregates;
}

void directory::post(run_command&& command) { shard_of(command).post(std::move(command)); }

void directory::passivate(std::chrono::steady_clock::time_point since) {
  for (const auto& each : shards_) {
    if (each.live > 0) each.aggregates.post(passivate_unused{since});
  }
}

std::size_t directory::live() const {
  std::size_t count = 0;
  for (const auto& each : shards_) count += each.live;
  return count;
}

void directory::close() {
  for (const auto& each : shards_) each.aggregates.close();
}

}  // namespace tyto::detail

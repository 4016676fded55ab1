#include "aggregate/directory.hpp"

#include <algorithm>
#include <utility>

#include "actor/posting_together.hpp"

namespace tyto::detail {

directory::directory(const aggregate_surroundings& around, host& runs_on, std::size_t max_live) {
  const auto max_live_in_each = std::max<std::size_t>(max_live / shards_.size(), 1);
  for (auto& each : shards_) {
    each.aggregates =
        spawn<aggregate_shard>(runs_on, placement::shared, around, runs_on, max_live_in_each, each.live, each.counts);
  }
}

void directory::post(run_command&& command) { shard_of(command).post(std::move(command)); }

void directory::post_all(std::vector<run_command> commands) {
  std::array<mail_list, std::tuple_size_v<decltype(shards_)>> by_shard;
  for (auto& each : commands) {
    by_shard[place_of(each)].add(std::make_unique<mail_of<shard_message>>(std::move(each)));
  }
  const posting_together all;
  for (std::size_t i = 0; i < by_shard.size(); ++i) {
    if (!by_shard[i].empty()) shards_[i].aggregates.box()->post_all(std::move(by_shard[i]));
  }
}

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

command_counts directory::counts() const {
  command_counts sum;
  for (const auto& each : shards_) each.counts.add_to(sum);
  return sum;
}

void directory::close() {
  for (const auto& each : shards_) each.aggregates.close();
}

}  // namespace tyto::detail

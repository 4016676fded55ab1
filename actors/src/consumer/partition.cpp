#include "consumer/partition.hpp"

#include <xxhash.h>

#include <algorithm>
#include <future>
#include <memory>
#include <optional>
#include <utility>

#include "actor/threads.hpp"

namespace tyto::detail {
namespace {

result<std::vector<std::uint64_t>> positions_of(const event_store& journal, const std::string& consumer,
                                                std::size_t count) {
  std::vector<std::uint64_t> positions;
  for (std::size_t i = 0; i < count; ++i) {
    auto position = journal.load_checkpoint(partition{i, count}.checkpoint(consumer));
    if (!position) return std::move(position).error();
    positions.push_back(*position);
  }
  return positions;
}

}  // namespace

event_key key_of(const consumer_definition& consumer, const recorded_event& event) {
  const auto found = consumer.keys.find(event.meta.type);
  if (found == consumer.keys.end()) return {event.meta.persistence_id};
  std::optional<std::string> key;
  try {
    key = found->second(event);
  } catch (...) {
    key.reset();
  }
  return key ? event_key{*std::move(key)} : event_key{event.meta.persistence_id, false};
}

std::size_t partition_of(std::string_view key, std::size_t count) {
  return XXH3_64bits(key.data(), key.size()) % count;
}

bool partition::takes(std::string_view key, std::uint64_t position) const {
  return has(key) && (before.empty() || position > before[partition_of(key, before.size())]);
}

std::string partition::label(const std::string& consumer) const {
  return count == 1 ? consumer : consumer + "[" + std::to_string(index + 1) + "/" + std::to_string(count) + "]";
}

std::string partition::checkpoint(const std::string& consumer) const {
  return count == 1 ? consumer : consumer + "#" + std::to_string(index) + "/" + std::to_string(count);
}

std::map<std::string, std::uint64_t> positions_of_consumers(const std::vector<checkpoint>& all) {
  std::map<std::string_view, std::uint64_t> stored;
  for (const auto& each : all) stored.emplace(each.name, each.position);
  const auto stored_at = [&stored](const std::string& name) {
    const auto found = stored.find(name);
    return found == stored.end() ? 0 : found->second;
  };
  std::map<std::string, std::uint64_t> positions;
  for (const auto& each : all) {
    const auto consumer = each.name.substr(0, each.name.find('#'));
    const auto count = std::max<std::uint64_t>(stored_at(consumer + "#"), 1);
    auto slowest = stored_at(partition{0, count}.checkpoint(consumer));
    for (std::size_t i = 1; i < count; ++i)
      slowest = std::min(slowest, stored_at(partition{i, count}.checkpoint(consumer)));
    positions.insert_or_assign(consumer, slowest);
  }
  return positions;
}

result<std::vector<std::uint64_t>> split_checkpoints(event_store& journal, const std::string& consumer,
                                                     std::size_t count, start_from from) {
  // Checkpoints that hold how many parts there are, and how many there were before.
  const auto count_name = consumer + "#";
  const auto count_before_name = consumer + "#before";
  auto stored = journal.load_checkpoint(count_name);
  if (!stored) return std::move(stored).error();
  const auto stored_count = std::max<std::uint64_t>(*stored, 1);
  auto positions = positions_of(journal, consumer, stored_count);
  if (!positions) return positions;
  auto slowest = std::ranges::min(*positions);
  const bool is_new = *stored == 0 && slowest == 0;
  const bool starts_at_end = is_new && from == start_from::end;
  if (starts_at_end) {
    auto head = journal.head();
    if (!head) return std::move(head).error();
    slowest = *head;
  }
  // Where all have passed, nothing has to be told apart.
  const auto beyond_slowest = [slowest](std::vector<std::uint64_t> before) {
    if (!before.empty() && slowest >= std::ranges::max(before)) before.clear();
    return before;
  };
  if (stored_count == count && !starts_at_end) {
    auto count_before = journal.load_checkpoint(count_before_name);
    if (!count_before) return std::move(count_before).error();
    auto before = positions_of(journal, consumer, *count_before);
    if (!before) return before;
    return beyond_slowest(*std::move(before));
  }
  append_batch batch;
  batch.checkpoints = {{count_name, count}, {count_before_name, stored_count}};
  for (std::size_t i = 0; i < count; ++i) {
    batch.checkpoints.push_back({partition{i, count}.checkpoint(consumer), slowest});
  }
  auto answer = std::make_shared<std::promise<result<append_outcomes>>>();
  auto outcome = answer->get_future();
  journal.append(std::move(batch), [answer](result<append_outcomes> done) { answer->set_value(std::move(done)); });
  wait_for(outcome);
  if (auto written = outcome.get(); !written) return std::move(written).error();
  return beyond_slowest(*std::move(positions));
}

}  // namespace tyto::detail

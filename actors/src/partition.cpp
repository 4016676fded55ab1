#include "partition.hpp"

#include <xxhash.h>

#include <algorithm>
#include <limits>

namespace tyto::detail {

bool partition::has(std::string_view key) const {
  return count == 1 || XXH3_64bits(key.data(), key.size()) % count == index;
}

std::string partition::label(const std::string& consumer) const {
  return count == 1 ? consumer : consumer + "[" + std::to_string(index + 1) + "/" + std::to_string(count) + "]";
}

std::string partition::checkpoint(const std::string& consumer) const {
  return count == 1 ? consumer : consumer + "#" + std::to_string(index) + "/" + std::to_string(count);
}

result<void> split_checkpoints(event_store& journal, const std::string& consumer, std::size_t count) {
  const auto count_name = consumer + "#";  // a checkpoint that holds how many there were
  auto stored = journal.load_checkpoint(count_name);
  if (!stored) return std::move(stored).error();
  const auto before = std::max<std::uint64_t>(*stored, 1);
  if (before == count) return {};
  auto slowest = std::numeric_limits<std::uint64_t>::max();
  for (std::size_t i = 0; i < before; ++i) {
    auto position = journal.load_checkpoint(partition{i, before}.checkpoint(consumer));
    if (!position) return std::move(position).error();
    slowest = std::min(slowest, *position);
  }
  append_batch batch;
  batch.checkpoints.push_back({count_name, count});
  for (std::size_t i = 0; i < count; ++i)
    batch.checkpoints.push_back({partition{i, count}.checkpoint(consumer), slowest});
  auto written = append_and_wait(journal, std::move(batch));
  return written ? result<void>{} : std::move(written).error();
}

}  // namespace tyto::detail

#include "directory.hpp"

#include <functional>
#include <utility>

namespace tyto::detail {

void directory::post(const aggregate_definition& definition, std::string persistence_id, aggregate_message message) {
  auto& [mutex, live] = parts_[std::hash<std::string>{}(persistence_id) % parts_.size()];
  const std::lock_guard lock{mutex};
  auto found = live.find(persistence_id);
  if (found == live.end()) {
    auto born = spawn<aggregate_actor>(host_, placement::shared, around_, definition, persistence_id);
    found = live.emplace(std::move(persistence_id), std::move(born)).first;
  }
  found->second.post(std::move(message));
}

std::size_t directory::live() const {
  std::size_t count = 0;
  for (const auto& [mutex, live] : parts_) {
    const std::lock_guard lock{mutex};
    count += live.size();
  }
  return count;
}

void directory::close() {
  for (auto& [mutex, live] : parts_) {
    const std::lock_guard lock{mutex};
    for (const auto& [id, aggregate] : live) aggregate.close();
    live.clear();
  }
}

}  // namespace tyto::detail

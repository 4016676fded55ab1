#include "aggregate/directory.hpp"

#include <algorithm>
#include <functional>
#include <utility>

namespace tyto::detail {

directory::directory(const aggregate_surroundings& around, host& runs_on, std::size_t max_live)
    : around_(around), host_(runs_on), max_live_per_shard_(std::max<std::size_t>(max_live / shards_.size(), 1)) {}

directory::shard& directory::shard_of(const std::string& persistence_id) {
  return shards_[std::hash<std::string>{}(persistence_id) % shards_.size()];
}

// The asked one moves to the front, so that one that cannot leave now is not asked again before all others.
void directory::shard::ask_to_passivate(entry& asked) {
  by_use.splice(by_use.begin(), by_use, asked.place);
  asked.aggregate.post(passivate{asked.last_posted});
}

void directory::post(const aggregate_definition& definition, std::string persistence_id, aggregate_message message) {
  post_by([](const auto& to, auto& what) { return to.post(std::move(what)), std::function<void()>{}; }, definition,
          std::move(persistence_id), std::move(message));
}

std::function<void()> directory::post_for_turn(const aggregate_definition& definition, std::string persistence_id,
                                               aggregate_message message) {
  return post_by([](const auto& to, auto& what) { return to.post_for_turn(std::move(what)); }, definition,
                 std::move(persistence_id), std::move(message));
}

std::function<void()> directory::post_by(post_way* way, const aggregate_definition& definition,
                                         std::string persistence_id, aggregate_message message) {
  auto& home = shard_of(persistence_id);
  const std::lock_guard lock{home.mutex};
  auto found = home.live.find(persistence_id);
  if (found == home.live.end()) {
    auto born = spawn<aggregate_actor>(host_, placement::shared, around_, definition, persistence_id);
    found = home.live.emplace(std::move(persistence_id), entry{std::move(born), 0, {}, {}}).first;
    found->second.place = home.by_use.insert(home.by_use.begin(), &found->second);
  }
  auto& used = found->second;
  home.by_use.splice(home.by_use.begin(), home.by_use, used.place);
  used.last_used = host_.now();
  used.last_posted = ++home.posted;
  auto turn = way(used.aggregate, message);
  // Two for each message, which may have brought one to life, so that the number comes down to the limit again after a
  // time in which all were busy.
  for (std::size_t asked = 0; asked < 2 && home.live.size() > max_live_per_shard_ + asked; ++asked) {
    home.ask_to_passivate(*home.by_use.back());
  }
  return turn;
}

void directory::passivate_unused(std::chrono::steady_clock::time_point since) {
  for (auto& home : shards_) {
    const std::lock_guard lock{home.mutex};
    for (auto left = home.by_use.size(); left > 0 && home.by_use.back()->last_used < since; --left) {
      home.ask_to_passivate(*home.by_use.back());
    }
  }
}

bool directory::forget(const std::string& persistence_id, std::uint64_t last_posted) {
  auto& home = shard_of(persistence_id);
  const std::lock_guard lock{home.mutex};
  const auto found = home.live.find(persistence_id);
  if (found == home.live.end() || found->second.last_posted != last_posted) return false;
  found->second.aggregate.close();
  home.by_use.erase(found->second.place);
  home.live.erase(found);
  return true;
}

std::size_t directory::live() const {
  std::size_t count = 0;
  for (const auto& home : shards_) {
    const std::lock_guard lock{home.mutex};
    count += home.live.size();
  }
  return count;
}

void directory::close() {
  for (auto& home : shards_) {
    const std::lock_guard lock{home.mutex};
    for (const auto& [id, each] : home.live) each.aggregate.close();
    home.by_use.clear();
    home.live.clear();
  }
}

}  // namespace tyto::detail

// The engine's side of reading: questions to projections, and new versions of projections that are built beside the
// old.
#include <algorithm>
#include <set>
#include <utility>

#include "engine.hpp"
#include "live_query.hpp"

namespace tyto::detail {

result<versions> engine::versions_of(version_calls calls) const {
  versions found;
  for (auto& each : calls) {
    if (auto shown = find_projection(each.name)) found.push_back({std::move(shown), std::move(each.call)});
  }
  if (!found.empty()) return found;
  return error{errc::invalid_argument, "querying '" + std::string{calls.front().name} + "'",
               "the runtime has not been started with this projection"};
}

result<void> engine::ask(version_calls calls, std::uint64_t at_least, std::chrono::milliseconds timeout) const {
  const auto asked = versions_of(std::move(calls));
  if (!asked) return asked.error();
  return detail::ask(*stores_.read_models, *asked, at_least, deadline_after(timeout));
}

result<void> engine::ask_together(const std::vector<version_calls>& calls, std::uint64_t at_least,
                                  std::chrono::milliseconds timeout) const {
  std::vector<versions> asked;
  for (const auto& each : calls) {
    auto found = versions_of(each);
    if (!found) return std::move(found).error();
    asked.push_back(*std::move(found));
  }
  return detail::ask_together(*stores_.read_models, asked, at_least, deadline_after(timeout));
}

result<live_query> engine::watch(version_calls calls, std::function<void()> tell) const {
  auto asked = versions_of(std::move(calls));
  if (!asked) return std::move(asked).error();
  return live_query{std::make_unique<watcher>(stores_.read_models, *std::move(asked), std::move(tell), options_.log)};
}

result<void> engine::caught_up(std::chrono::milliseconds timeout) const {
  const std::string doing = "waiting for the consumers to catch up";
  const auto deadline = deadline_after(timeout);
  const auto now_running = current();
  if (!now_running) return error{errc::stopped, doing, "the runtime is not running"};
  const auto head = now_running->bus.head();
  std::string behind;
  for (const auto& each : consumers()) {
    if (each->wait_for(head, deadline) || each->is_retired()) continue;
    const auto now = each->status();
    if (now.state == consumer_state::stopped) return error{errc::stopped, doing, "the runtime is not running"};
    behind += (behind.empty() ? "'" : "; '") + now.name + "' is at position " + std::to_string(now.position) + " of " +
              std::to_string(head) + (now.last_error.empty() ? "" : ", its last error: " + now.last_error);
  }
  if (behind.empty()) return {};
  return error{errc::timeout, doing, behind};
}

// A version that is as far as all before it has taken over, and what it has replaced is not started again.
result<std::vector<engine::replacement>> engine::plan_rebuilds() {
  std::set<std::string> replaced;
  std::set<std::string> older;
  std::uint64_t furthest = 0;
  // Each comes after the one that it replaces.
  for (const auto& each : projections_) {
    if (!older.contains(each.replaces)) older.clear(), furthest = 0;
    auto rows = stores_.read_models->snapshot(each.name);
    if (!rows) return error{rows.error().code(), "starting the runtime"}.because(rows.error());
    const auto position = (*rows)->position();
    if (position >= furthest) replaced.insert(older.begin(), older.end());
    furthest = std::max(furthest, position);
    older.insert(each.name);
  }
  std::erase_if(projections_, [&](const projection_definition& each) { return replaced.contains(each.name); });
  std::vector<replacement> left;
  for (const auto& each : projections_) {
    if (!each.replaces.empty() && !replaced.contains(each.replaces)) left.push_back({each.name, each.replaces});
  }
  return left;
}

void engine::begin_rebuilds(const std::vector<replacement>& replacements) {
  std::vector<std::shared_ptr<progress>> older;
  std::string_view newest;
  for (const auto& [name, old_name] : replacements) {
    if (old_name != newest) older.clear();  // else it replaces what that one replaces, too
    newest = name;
    older.push_back(find_projection(old_name));
    rebuilds_.emplace(name, [this, older, fresh = find_projection(name)](const std::stop_token& cancelled) {
      rebuild(cancelled, *fresh, older);
    });
  }
}

// Takes over when the new version has met the head of the journal, and no answer would go back in time.
void engine::rebuild(const std::stop_token& cancelled, progress& fresh,
                     const std::vector<std::shared_ptr<progress>>& older) {
  const auto position_of_older = [&older] {
    std::uint64_t position = 0;
    for (const auto& each : older) position = std::max(position, each->status().position);
    return position;
  };
  do {
    const auto target = std::max(running_->bus.head(), position_of_older());
    const auto reached = fresh.wait_for(target, deadline_after(std::chrono::years{1}), cancelled);
    if (!reached || cancelled.stop_requested()) return;
  } while (fresh.status().position < position_of_older());
  if (!fresh.take_over()) return;
  options_.log("'" + fresh.status().name + "' has caught up and answers in place of '" + older.back()->status().name +
               "'");
  for (const auto& each : older) retire(*each);
}

void engine::retire(progress& shown) {
  address<consumer_message> actor;
  {
    const std::lock_guard lock{consumers_mutex_};
    shown.retire();
    const auto found = std::ranges::find(consumers_, &shown, [](const consumer& each) { return each.shown.get(); });
    actor = std::exchange(found->actor, {});
  }
  if (actor.box()) stop_and_wait(actor);
}

result<void> engine::cancel_rebuild(std::string_view projection) {
  const error refused{errc::invalid_argument, "cancelling the rebuild of '" + std::string{projection} + "'",
                      "it is not being built"};
  const std::lock_guard once{stop_mutex_};
  const auto found = rebuilds_.find(projection);
  if (found == rebuilds_.end()) return refused;
  rebuilds_.erase(found);  // waits for it, so from here on nothing takes over
  const auto shown = find_projection(projection);
  if (shown->answers() || shown->is_retired()) return refused;
  retire(*shown);
  return {};
}

}  // namespace tyto::detail

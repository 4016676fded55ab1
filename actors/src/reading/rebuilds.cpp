#include "reading/rebuilds.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "time_limit.hpp"

namespace tyto::detail {

// A version that is as far as all before it has taken over, and what it has replaced is not started again.
result<void> rebuilds::plan(const read_model_store& rows, std::vector<projection_definition>& projections) {
  struct lineage {
    std::set<std::string> names;  // of a version and of all before it
    std::uint64_t furthest = 0;
  };
  planned_.clear();
  std::map<std::string, lineage> lineages;  // by the name of the newest version
  std::set<std::string> replaced;
  // Each comes after the one that it replaces.
  for (const auto& each : projections) {
    auto line = each.replaces.empty() ? lineage{} : lineages.at(each.replaces);
    auto seen = rows.snapshot(each.name);
    if (!seen) return error{seen.error().code(), "starting the runtime"}.because(seen.error());
    const auto position = (*seen)->position();
    if (position >= line.furthest) replaced.insert(line.names.begin(), line.names.end());
    line.furthest = std::max(line.furthest, position);
    line.names.insert(each.name);
    lineages.emplace(each.name, std::move(line));
  }
  std::erase_if(projections, [&](const projection_definition& each) { return replaced.contains(each.name); });
  for (const auto& each : projections) {
    if (!each.replaces.empty() && !replaced.contains(each.replaces)) planned_.push_back({each.name, each.replaces});
  }
  return {};
}

bool rebuilds::is_planned(std::string_view name) const {
  return std::ranges::count(planned_, name, &replacement::name) > 0;
}

void rebuilds::begin(std::function<std::uint64_t()> head) {
  const std::lock_guard lock{mutex_};
  head_ = std::move(head);
  std::map<std::string_view, std::vector<std::shared_ptr<progress>>> older_than;
  for (const auto& [name, old_name] : planned_) {
    auto& older = older_than[name];
    older = older_than[old_name];  // what that one is to replace, if it is being built itself
    older.push_back(consumers_.find(old_name));
    waiting_.emplace(name, [this, older, fresh = consumers_.find(name)](const std::stop_token& cancelled) {
      wait_and_take_over(cancelled, *fresh, older);
    });
  }
}

// Takes over when the new version has met the head of the journal, and no answer would go back in time.
void rebuilds::wait_and_take_over(const std::stop_token& cancelled, progress& fresh,
                                  const std::vector<std::shared_ptr<progress>>& older) {
  const auto position_of_older = [&older] {
    std::uint64_t position = 0;
    for (const auto& each : older) position = std::max(position, each->position());
    return position;
  };
  do {
    const auto target = std::max(head_(), position_of_older());
    const auto reached = fresh.wait_for(target, time_limit(longest_wait), cancelled);
    if (!reached || cancelled.stop_requested()) return;
  } while (fresh.position() < position_of_older());
  if (!fresh.take_over()) return;
  log_("'" + fresh.name() + "' has caught up and answers in place of '" + older.back()->name() + "'");
  for (const auto& each : older) consumers_.retire(*each);
}

result<void> rebuilds::cancel(std::string_view projection) {
  const error refused{errc::invalid_argument, "cancelling the rebuild of '" + std::string{projection} + "'",
                      "it is not being built"};
  const std::lock_guard lock{mutex_};
  const auto found = waiting_.find(projection);
  if (found == waiting_.end()) return refused;
  waiting_.erase(found);  // waits for it, so from here on nothing takes over
  const auto shown = consumers_.find(projection);
  if (shown->answers() || shown->is_retired()) return refused;
  consumers_.retire(*shown);
  return {};
}

void rebuilds::stop() {
  const std::lock_guard lock{mutex_};
  waiting_.clear();
}

}  // namespace tyto::detail

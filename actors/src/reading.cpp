#include "reading.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace tyto::detail {
namespace {

using time_point = std::chrono::steady_clock::time_point;

std::string querying(const version& asked) { return "querying '" + asked.shown->status().name + "'"; }

error late(const consumer_status& now, std::uint64_t at_least) {
  auto why = error{errc::timeout, "querying '" + now.name + "'",
                   "it is at position " + std::to_string(now.position) + ", " +
                       std::to_string(at_least - std::min(at_least, now.position)) + " events behind position " +
                       std::to_string(at_least)};
  if (now.state != consumer_state::failing) return why;
  return std::move(why).because(error{errc::handler_failed, "its last attempt", now.last_error});
}

// Returns the version that is done with the event at `at_least`; another one may take over meanwhile.
result<const version*> wait_for(const versions& asked, std::uint64_t at_least, time_point deadline) {
  for (;;) {
    const auto* now = answering(asked);
    if (now == nullptr) return error{errc::stopped, querying(asked.front()), "it is no longer kept"};
    if (now->shown->wait_for(at_least, deadline)) return now;
    const auto status = now->shown->status();
    if (status.state != consumer_state::stopped) return late(status, at_least);
    if (answering(asked) == now) return error{errc::stopped, querying(*now), "the runtime is not running"};
  }
}

result<void> call(const version& asked, const row_reader& rows) {
  try {
    asked.call(rows);
    return {};
  } catch (const table_failure& failed) {
    return error{failed.what_failed().code(), querying(asked)}.because(failed.what_failed());
  } catch (...) {
    return handler_failure(querying(asked));
  }
}

// Rows that are the same at all positions from `first` to `last`.
struct view {
  const version* of = nullptr;
  std::unique_ptr<row_snapshot> rows;
  std::uint64_t first = 0;
  std::uint64_t last = 0;
};

result<view> look(const read_model_store& rows, const version& of) {
  // Looked up before: a projection whose rows do not change moves on without storing that.
  const auto status = of.shown->status();
  auto snapshot = rows.snapshot(status.name);
  if (!snapshot) return std::move(snapshot).error();
  const auto stored = (*snapshot)->position();
  return view{&of, *std::move(snapshot), stored, std::max(stored, status.position)};
}

result<view> look(const read_model_store& rows, const versions& asked, std::uint64_t at_least, time_point deadline) {
  auto ready = wait_for(asked, at_least, deadline);
  if (!ready) return std::move(ready).error();
  return look(rows, **ready);
}

std::uint64_t furthest(const std::vector<versions>& asked) {
  std::uint64_t position = 0;
  for (const auto& each : asked) {
    if (const auto* now = answering(each)) position = std::max(position, now->shown->status().position);
  }
  return position;
}

result<std::vector<view>> look_at_one_position(const read_model_store& rows, const std::vector<versions>& asked,
                                               std::uint64_t at_least, time_point deadline) {
  // Without a snapshot, which holds on to storage, as long as the wait may be long.
  at_least = std::max(at_least, furthest(asked));
  for (const auto& each : asked) {
    if (auto ready = wait_for(each, at_least, deadline); !ready) return std::move(ready).error();
  }
  std::vector<view> views;
  for (const auto& each : asked) {
    auto seen = look(rows, each, at_least, deadline);
    if (!seen) return std::move(seen).error();
    views.push_back(*std::move(seen));
  }
  for (;;) {
    const auto latest = std::ranges::max_element(views, {}, &view::first)->first;
    const auto behind = std::ranges::min_element(views, {}, &view::last);
    if (behind->last >= latest) return views;
    behind->rows.reset();
    auto seen = look(rows, asked[static_cast<std::size_t>(behind - views.begin())], latest, deadline);
    if (!seen) return std::move(seen).error();
    *behind = *std::move(seen);
  }
}

}  // namespace

const version* answering(const versions& asked) {
  const auto found = std::ranges::find_if(asked, [](const version& each) { return each.shown->answers(); });
  return found == asked.end() ? nullptr : &*found;
}

result<void> ask_now(const read_model_store& rows, const version& asked) {
  auto snapshot = rows.snapshot(asked.shown->status().name);
  if (!snapshot) return std::move(snapshot).error();
  return call(asked, **snapshot);
}

result<void> ask(const read_model_store& rows, const versions& asked, std::uint64_t at_least, time_point deadline) {
  auto ready = wait_for(asked, at_least, deadline);
  if (!ready) return std::move(ready).error();
  return ask_now(rows, **ready);
}

result<void> ask_together(const read_model_store& rows, const std::vector<versions>& asked, std::uint64_t at_least,
                          time_point deadline) {
  auto views = look_at_one_position(rows, asked, at_least, deadline);
  if (!views) return std::move(views).error();
  for (const auto& each : *views) {
    if (auto called = call(*each.of, *each.rows); !called) return called;
  }
  return {};
}

}  // namespace tyto::detail

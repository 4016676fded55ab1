#include "reading/reading.hpp"

#include <algorithm>
#include <future>
#include <string>
#include <utility>

#include "actor/threads.hpp"

namespace tyto::detail {
namespace {

using time_point = std::chrono::steady_clock::time_point;

std::string querying(const version& asked) { return "querying '" + asked.shown->name() + "'"; }

error late(const consumer_status& now, std::uint64_t at_least) {
  auto why = error{errc::timeout, "querying '" + now.name + "'",
                   "it is at position " + std::to_string(now.position) + ", " +
                       std::to_string(at_least - std::min(at_least, now.position)) + " events behind position " +
                       std::to_string(at_least)};
  if (now.state != consumer_state::failing) return why;
  return std::move(why).because(error{errc::handler_failed, "its last attempt", now.last_error});
}

// Returns the version that is done with the event at `at_least`; another one may take over meanwhile.
result<const version*> wait_for(const versions& asked, std::uint64_t at_least, time_point limit) {
  for (;;) {
    const auto* now = answering(asked);
    if (now == nullptr) return error{errc::stopped, querying(asked.front()), "it is no longer kept"};
    if (now->shown->wait_for(at_least, limit)) return now;
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
  std::unique_ptr<row_snapshot> rows;
  std::uint64_t first = 0;
  std::uint64_t last = 0;
};

result<view> look(const read_model_store& rows, const progress& shown) {
  // Looked up before: a projection whose rows do not change moves on without storing that.
  const auto position = shown.position();
  auto snapshot = rows.snapshot(shown.name());
  if (!snapshot) return std::move(snapshot).error();
  const auto stored = (*snapshot)->position();
  return view{*std::move(snapshot), stored, std::max(stored, position)};
}

// Looks when the projection is at `position`, from its own thread; at once if it is further.
result<view> meet(const read_model_store& rows, const version& of, std::uint64_t position, time_point limit) {
  const auto seen = std::make_shared<std::promise<result<view>>>();
  auto arrived = seen->get_future();
  const auto wanted = std::make_shared<const meeting>(
      meeting{position, [&rows, seen, shown = of.shown] { seen->set_value(look(rows, *shown)); }});
  if (!of.shown->meet(wanted)) return look(rows, *of.shown);
  if (!wait_until(arrived, limit)) return late(of.shown->status(), position);
  return arrived.get();
}

struct answer {
  const version* of = nullptr;
  view seen;
};

// Looks at all, and then again at the one that is behind, until there is a position that suits all.
result<std::vector<answer>> look_at_one_position(const read_model_store& rows, const std::vector<versions>& asked,
                                                 std::uint64_t at_least, time_point limit) {
  std::vector<answer> answers;
  for (const auto& each : asked) {
    auto ready = wait_for(each, at_least, limit);
    if (!ready) return std::move(ready).error();
    answers.push_back({*ready, {}});
  }
  for (auto& each : answers) {
    auto seen = look(rows, *each.of->shown);
    if (!seen) return std::move(seen).error();
    each.seen = *std::move(seen);
  }
  for (;;) {
    const auto first = [](const answer& each) { return each.seen.first; };
    const auto last = [](const answer& each) { return each.seen.last; };
    const auto latest = first(*std::ranges::max_element(answers, {}, first));
    const auto behind = std::ranges::min_element(answers, {}, last);
    if (last(*behind) >= latest) return answers;
    behind->seen.rows.reset();
    auto seen = meet(rows, *behind->of, latest, limit);
    if (!seen) return std::move(seen).error();
    behind->seen = *std::move(seen);
    if (last(*behind) >= latest) continue;
    // It has stopped on the way: another version has taken over, or this is the end.
    auto ready = wait_for(asked[static_cast<std::size_t>(behind - answers.begin())], latest, limit);
    if (!ready) return std::move(ready).error();
    behind->of = *ready;
  }
}

}  // namespace

const version* answering(const versions& asked) {
  const version* newest = nullptr;
  // The oldest first: it does not end before a newer one answers, so while one takes over there is always one to find.
  for (auto i = asked.size(); i-- > 0;) {
    if (asked[i].shown->answers()) newest = &asked[i];
  }
  return newest;
}

result<void> ask_now(const read_model_store& rows, const version& asked) {
  auto snapshot = rows.snapshot(asked.shown->name());
  if (!snapshot) return std::move(snapshot).error();
  return call(asked, **snapshot);
}

result<void> ask(const read_model_store& rows, const versions& asked, std::uint64_t at_least, time_point limit) {
  auto ready = wait_for(asked, at_least, limit);
  if (!ready) return std::move(ready).error();
  return ask_now(rows, **ready);
}

result<void> ask_together(const read_model_store& rows, const std::vector<versions>& asked, std::uint64_t at_least,
                          time_point limit) {
  auto answers = look_at_one_position(rows, asked, at_least, limit);
  if (!answers) return std::move(answers).error();
  for (const auto& each : *answers) {
    if (auto called = call(*each.of, *each.seen.rows); !called) return called;
  }
  return {};
}

}  // namespace tyto::detail

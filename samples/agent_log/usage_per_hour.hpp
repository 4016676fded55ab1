// The read model: a time series, one row for each hour in which the agent did anything.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>
#include <tyto/clock.hpp>
#include <tyto/event.hpp>
#include <tyto/metadata.hpp>
#include <tyto/table.hpp>
#include <utility>
#include <vector>

#include "domain.hpp"

namespace agent {

struct usage {
  std::uint32_t started = 0;
  std::uint32_t finished = 0;
  std::uint32_t stopped = 0;
  std::uint32_t calls = 0;
  std::int64_t tokens = 0;
};
TYTO_VALUE(usage, started, finished, stopped, calls, tokens)

struct usage_per_hour {
  static constexpr std::string_view name = "usage_per_hour.v1";
  using table = tyto::table<std::int64_t, usage>;  // by hours since 1970
  using events = tyto::events<task_started, tool_called, task_finished, task_stopped>;

  static void project(table& rows, const task_started&, const tyto::metadata& m) {
    rows.update(hour_of(m.time), [](usage& row) { ++row.started; });
  }
  static void project(table& rows, const tool_called& e, const tyto::metadata& m) {
    rows.update(hour_of(m.time), [&e](usage& row) {
      ++row.calls;
      row.tokens += e.tokens;
    });
  }
  static void project(table& rows, const task_finished& e, const tyto::metadata& m) {
    rows.update(hour_of(m.time), [&e](usage& row) {
      ++row.finished;
      row.tokens += e.tokens;
    });
  }
  static void project(table& rows, const task_stopped&, const tyto::metadata& m) {
    rows.update(hour_of(m.time), [](usage& row) { ++row.stopped; });
  }

  /// The hours that begin within [from, to), in order.
  struct between {
    tyto::timestamp from;
    tyto::timestamp to;
  };
  static std::vector<std::pair<tyto::timestamp, usage>> query(const table& rows, const between& asked) {
    std::vector<std::pair<tyto::timestamp, usage>> found;
    rows.for_each_from(hour_of(asked.from + std::chrono::hours{1} - std::chrono::microseconds{1}),
                       [&](const std::int64_t& hour, const usage& row) {
                         const tyto::timestamp begin{std::chrono::hours{hour}};
                         if (begin >= asked.to) return tyto::visit::stop;
                         found.emplace_back(begin, row);
                         return tyto::visit::next;
                       });
    return found;
  }

 private:
  static std::int64_t hour_of(tyto::timestamp time) {
    return std::chrono::floor<std::chrono::hours>(time).time_since_epoch().count();
  }
};

}  // namespace agent

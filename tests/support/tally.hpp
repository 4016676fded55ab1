// An aggregate with snapshots, whose history can be summed up: every third event, and when it is carried forward.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "tyto/aggregate.hpp"

namespace tyto::test {

struct tallied {
  std::int64_t by = 0;
};
struct carried_forward {
  std::int64_t total = 0;
};
TYTO_EVENT(tallied, "tally.tallied", by)
TYTO_EVENT(carried_forward, "tally.carried_forward", total)

struct add {
  std::int64_t by = 1;
};
struct carry_forward {};
struct tell {};  // is always rejected, with the total

/// `SnapshotSchema` is that of the state, 0 for an aggregate without snapshots.
template <std::uint32_t SnapshotSchema>
struct tally_base {
  static constexpr std::string_view category = "tally";
  using command = std::variant<add, carry_forward, tell>;
  using event = std::variant<tallied, carried_forward>;
  using summaries = tyto::events<carried_forward>;
  struct state {
    std::int64_t total = 0;
    template <class Inspector>
    friend bool inspect(Inspector& f, state& x) {
      return f.object(x).fields(f.field("total", x.total));
    }
  };

  static decision<event> decide(const state&, const add& c) { return tallied{c.by}; }
  static decision<event> decide(const state& s, const carry_forward&) { return carried_forward{s.total}; }
  static decision<event> decide(const state& s, const tell&) { return reject(std::to_string(s.total)); }

  static state evolve(state s, const tallied& e) { return {s.total + e.by}; }
  static state evolve(state, const carried_forward& e) { return {e.total}; }
};

template <std::uint32_t SnapshotSchema>
struct tally_of : tally_base<SnapshotSchema> {
  static constexpr snapshot_policy snapshots{.schema_version = SnapshotSchema, .every_events = 3, .keep = 2};
  static bool snapshot_after(const typename tally_base<SnapshotSchema>::state&, const carried_forward&) { return true; }
};
template <>
struct tally_of<0> : tally_base<0> {};

using tally = tally_of<1>;

}  // namespace tyto::test

#include "prelude.hpp"

struct base {
  static constexpr std::string_view category = "account";
  using command = std::variant<close_account>;
  using event = std::variant<closed>;
  struct state {
    bool is_open = false;
  };
  static tyto::decision<event> decide(const state&, const close_account&) { return closed{}; }
  static state evolve(state s, const closed&) { return s; }
};
TYTO_VALUE(base::state, is_open)

struct with_decide : base {
  static tyto::decision<event> decide(state&, close_account&) { return closed{}; }
};
// expect error: tyto: a decide of the aggregate has another form
const auto& decide = tyto::definition_of<with_decide>();

struct with_decide_of_an_object : base {
  tyto::decision<event> decide(const state&, const close_account&) const { return closed{}; }
};
// expect error: tyto: a decide of the aggregate has another form
const auto& decide_of_an_object = tyto::definition_of<with_decide_of_an_object>();

struct with_decide_of_another_type : base {
  static std::string decide(const state&, const close_account&) { return "no"; }
};
// expect error: tyto: a decide of the aggregate has another form
const auto& decide_of_another_type = tyto::definition_of<with_decide_of_another_type>();

struct with_evolve : base {
  static void evolve(state&, const closed&) {}
};
// expect error: tyto: an evolve of the aggregate has another form
const auto& evolve = tyto::definition_of<with_evolve>();

struct with_evolve_of_another : base {
  using base::evolve;
  static state evolve(state s, const opened&) { return s; }
};
// expect error: tyto: an evolve of the aggregate is for an event that it does not have
const auto& evolve_of_another = tyto::definition_of<with_evolve_of_another>();

struct with_snapshot_after : base {
  static constexpr tyto::snapshot_policy snapshots{};
  static bool snapshot_after(const closed&) { return true; }
};
// expect error: tyto: a snapshot_after has another form
const auto& snapshot_after = tyto::definition_of<with_snapshot_after>();

struct with_snapshot_after_another : base {
  static constexpr tyto::snapshot_policy snapshots{};
  static bool snapshot_after(const state&, const opened&) { return true; }
};
// expect error: tyto: the snapshot_after is for none of the events
const auto& snapshot_after_another = tyto::definition_of<with_snapshot_after_another>();

struct with_snapshot_after_alone : base {
  static bool snapshot_after(const state&, const closed&) { return true; }
};
// expect error: tyto: snapshot_after has no effect without snapshots
const auto& snapshot_after_alone = tyto::definition_of<with_snapshot_after_alone>();

struct with_upcast_state_alone : base {
  static void upcast_state(tyto::document&, std::uint32_t) {}
};
// expect error: tyto: upcast_state has no effect without snapshots
const auto& upcast_state_alone = tyto::definition_of<with_upcast_state_alone>();

struct with_upcast_state : base {
  static constexpr tyto::snapshot_policy snapshots{};
  static void upcast_state(state&, std::uint32_t) {}
};
// expect error: tyto: upcast_state has another form
const auto& upcast_state = tyto::definition_of<with_upcast_state>();

struct with_snapshots : base {
  static constexpr int snapshots = 100;
};
// expect error: tyto: `snapshots` has another form
const auto& snapshots = tyto::definition_of<with_snapshots>();

struct without_a_snapshot : base {
  static constexpr tyto::snapshot_policy snapshots{.keep = 0};
};
// expect error: tyto: snapshot_policy::keep is at least 1
const auto& without_any = tyto::definition_of<without_a_snapshot>();

struct with_summaries : base {
  using summaries = closed;
};
// expect error: tyto: `summaries` has another form
const auto& summaries = tyto::definition_of<with_summaries>();

struct with_summary_of_another : base {
  using summaries = tyto::events<opened>;
};
// expect error: tyto: a summary is none of the events
const auto& summary_of_another = tyto::definition_of<with_summary_of_another>();

struct that_skips : base {
  static bool skips_unknown_events() { return true; }
};
// expect error: tyto: skips_unknown_events of the aggregate has another form
const auto& skips = tyto::definition_of<that_skips>();

struct with_snapshot : base {
  static constexpr tyto::snapshot_policy snapshot{.every_events = 100};
};
// expect error: tyto: `snapshot` has no effect
const auto& snapshot = tyto::definition_of<with_snapshot>();

struct with_summary : base {
  using summary = tyto::events<closed>;
};
// expect error: tyto: `summary` has no effect
const auto& summary = tyto::definition_of<with_summary>();

struct that_skip : base {
  static constexpr bool skip_unknown_events = true;
};
// expect error: tyto: `skip_unknown_events` of the aggregate has no effect
const auto& skip = tyto::definition_of<that_skip>();

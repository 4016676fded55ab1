#include "process_prelude.hpp"

struct with_correlate : visit {
  static std::string correlate(const opened&, const metadata& m) { return std::string{m.entity_id()}; }
};
// expect error: tyto: a correlate of the process manager has another form
const auto correlate = tyto::define_process_manager<with_correlate>();

struct with_correlate_of_another : visit {
  using visit::correlate;
  static tyto::correlation correlate(const closed&, const metadata&) { return tyto::ignored(); }
};
// expect error: tyto: a correlate of the process manager is for an event that is not in its list
const auto correlate_of_another = tyto::define_process_manager<with_correlate_of_another>();

struct with_on : visit {
  tyto::decision<event> on(const state&, const opened&, const metadata&) { return ended{}; }
};
// expect error: tyto: an on of the process manager has another form
const auto on = tyto::define_process_manager<with_on>();

struct with_on_of_another : visit {
  using visit::on;
  static tyto::decision<event> on(const state&, const closed&, const metadata&) { return ended{}; }
};
// expect error: tyto: an on of the process manager is for an event that is not in its list
const auto on_of_another = tyto::define_process_manager<with_on_of_another>();

struct with_on_deadline : visit {
  using visit::on;
  static tyto::decision<event> on(const state&, const tyto::deadline&, const metadata&) { return ended{}; }
};
// expect error: tyto: the on of the process manager for a deadline has another form
const auto on_deadline = tyto::define_process_manager<with_on_deadline>();

struct with_evolve : visit {
  static void evolve(state&, const waiting&) {}
  static state evolve(state s, const ended&) { return s; }
};
// expect error: tyto: an evolve of the process manager has another form
const auto evolve = tyto::define_process_manager<with_evolve>();

struct with_evolve_of_another : visit {
  using visit::evolve;
  static state evolve(state s, const closed&) { return s; }
};
// expect error: tyto: an evolve of the process manager is for an event that it does not have
const auto evolve_of_another = tyto::define_process_manager<with_evolve_of_another>();

struct with_then : visit {
  static tyto::steps then(const waiting& e) { return {tyto::set_deadline{"d", e.until}}; }
};
// expect error: tyto: a then of the process manager has another form
const auto then = tyto::define_process_manager<with_then>();

struct with_then_of_another : visit {
  static tyto::steps then(const waiting& e, const std::string&) { return {tyto::set_deadline{"d", e.until}}; }
  static tyto::steps then(const opened&, const std::string&) { return {}; }
};
// expect error: tyto: a then of the process manager is for an event that it does not have
const auto then_of_another = tyto::define_process_manager<with_then_of_another>();

struct with_then_of_none : visit {
  static tyto::steps then(const opened&, const std::string&) { return {}; }
};
// expect error: tyto: the then of the process manager is for none of its events
const auto then_of_none = tyto::define_process_manager<with_then_of_none>();

struct with_is_over : visit {
  static bool is_over(state& s) { return s.over; }
};
// expect error: tyto: the is_over of the process manager has another form
const auto is_over = tyto::define_process_manager<with_is_over>();

struct with_from : visit {
  static constexpr bool from = true;
};
// expect error: tyto: the from of the process manager has another form
const auto from = tyto::define_process_manager<with_from>();

struct with_key : visit {
  static std::string key(const opened&, const metadata&) { return "k"; }
};
// expect error: tyto: `key` of the process manager has no effect
const auto key = tyto::define_process_manager<with_key>();

struct with_category : visit {
  static constexpr std::string_view category = "visit";
};
// expect error: tyto: `category` of the process manager has no effect
const auto category = tyto::define_process_manager<with_category>();

struct with_events : visit {
  using events = tyto::events<opened>;
};
// expect error: tyto: `events` of the process manager has no effect
const auto events = tyto::define_process_manager<with_events>();

struct with_snapshots : visit {
  static constexpr int snapshots = 100;
};
// expect error: tyto: `snapshots` has another form
const auto snapshots = tyto::define_process_manager<with_snapshots>();

struct with_snapshot_after : visit {
  static constexpr tyto::snapshot_policy snapshots{};
  static bool snapshot_after(const waiting&) { return true; }
};
// expect error: tyto: a snapshot_after has another form
const auto snapshot_after = tyto::define_process_manager<with_snapshot_after>();

struct with_hidden_state : visit {
  struct state {
    int count = 0;
  };
  static constexpr tyto::snapshot_policy snapshots{.every_events = 100};
  static tyto::decision<event> on(const state&, const opened&, const metadata& m) { return waiting{m.time}; }
  template <class E>
  static state evolve(state s, const E&) {
    return s;
  }
};
// expect error: tyto: a state of which snapshots are taken cannot be stored
const auto hidden_state = tyto::define_process_manager<with_hidden_state>();

struct with_summaries : visit {
  using summaries = tyto::events<opened>;
};
// expect error: tyto: a summary is none of the events
const auto summaries = tyto::define_process_manager<with_summaries>();

struct that_skips : visit {
  static constexpr bool skips_unknown_events = true;
};
// expect error: tyto: `skips_unknown_events` of the process manager has no effect
const auto skips = tyto::define_process_manager<that_skips>();

struct that_replaces : visit {
  using replaces = account;
};
// expect error: tyto: `replaces` of the process manager has no effect
const auto replaces = tyto::define_process_manager<that_replaces>();

struct with_on_refused : visit {
  using visit::on;
  static tyto::decision<event> on(const state&, const tyto::refused_command&, const metadata&) { return ended{}; }
};
// expect error: tyto: the on of the process manager for a refused command has another form
const auto on_refused = tyto::define_process_manager<with_on_refused>();

struct with_on_rejected : visit {
  static void on_rejected(const tyto::refused_command&, const metadata&) {}
};
// expect error: tyto: `on_rejected` of the process manager has no effect
const auto on_rejected = tyto::define_process_manager<with_on_rejected>();

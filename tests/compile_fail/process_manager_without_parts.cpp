#include "process_prelude.hpp"

struct without_inputs {
  static constexpr std::string_view name = "visit";
  using event = std::variant<waiting, ended>;
  struct state {};
};
// expect error: tyto: a process manager has `static constexpr std::string_view name`, `using inputs
const auto parts = tyto::define_process_manager<without_inputs>();

struct without_correlate {
  static constexpr std::string_view name = "visit";
  using inputs = tyto::events<opened>;
  using event = std::variant<ended>;
  struct state {};
  static tyto::decision<event> on(const state&, const opened&, const metadata&) { return ended{}; }
  static state evolve(state, const ended&) { return {}; }
};
// expect error: tyto: an input of the process manager has no correlate
const auto correlate = tyto::define_process_manager<without_correlate>();

struct without_on : visit {
  using inputs = tyto::events<opened, closed>;
  using visit::correlate;
  static tyto::correlation correlate(const closed&, const metadata&) { return tyto::ignored(); }
};
// expect error: tyto: an input of the process manager has no on
const auto on = tyto::define_process_manager<without_on>();

struct without_evolve : visit {
  using event = std::variant<waiting, ended, closed>;
  static tyto::decision<event> on(const state&, const opened&, const metadata&) { return ended{}; }
};
// expect error: tyto: an event of the process manager has no evolve
const auto evolve = tyto::define_process_manager<without_evolve>();

struct with_dependency : visit {
  explicit with_dependency(int&) {}
};
// expect error: tyto: the process manager has dependencies; hand it over
const auto dependency = tyto::define_process_manager<with_dependency>();

#include "prelude.hpp"

struct suspended {};

struct with_suspended : account {
  using event = std::variant<opened, suspended, closed>;
  static tyto::decision<event> decide(const state&, const open_account& c) { return opened{c.owner}; }
  static tyto::decision<event> decide(const state&, const close_account&) { return closed{}; }
  using account::evolve;
  static state evolve(state s, const suspended&) { return s; }
};

// expect error: tyto: an event of the aggregate has no stored name
const auto& made = tyto::definition_of<with_suspended>();

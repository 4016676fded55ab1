#include "prelude.hpp"

struct suspended {};
TYTO_EVENT(suspended, "account.suspended")

struct with_suspended : account {
  using event = std::variant<opened, suspended, closed>;
  static tyto::decision<event> decide(const state&, const open_account& c) { return opened{c.owner}; }
  static tyto::decision<event> decide(const state&, const close_account&) { return closed{}; }
};

// expect error: tyto: an event of the aggregate has no evolve
const auto& made = tyto::definition_of<with_suspended>();

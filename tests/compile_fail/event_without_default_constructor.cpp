#include "prelude.hpp"

struct suspended {
  explicit suspended(std::string who) : by(std::move(who)) {}
  std::string by;
};
TYTO_EVENT(suspended, "account.suspended", by)

struct with_suspended : account {
  using event = std::variant<suspended, opened, closed>;
  static tyto::decision<event> decide(const state&, const open_account& c) { return opened{c.owner}; }
  static tyto::decision<event> decide(const state&, const close_account&) { return closed{}; }
  using account::evolve;
  static state evolve(state s, const suspended&) { return s; }
};

// expect error: tyto: an event of the aggregate has no default constructor
const auto& made = tyto::definition_of<with_suspended>();

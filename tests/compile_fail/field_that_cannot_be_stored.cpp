#include <map>
#include <optional>
#include <vector>

#include "prelude.hpp"

struct signature {
  int* ink = nullptr;
};
struct signed_event {
  signature by;
  std::optional<std::optional<int>> limit;
  std::map<std::string, std::vector<long double>> rates;
  char grade = 'a';
  std::u16string text;
  std::string_view seal;
};
// expect error: tyto: field `by` of `signed_event` cannot be stored
// expect error: tyto: field `limit` of `signed_event` cannot be stored
// expect error: tyto: field `rates` of `signed_event` cannot be stored
// expect error: tyto: field `grade` of `signed_event` cannot be stored
// expect error: tyto: field `text` of `signed_event` cannot be stored
// expect error: tyto: field `seal` of `signed_event` cannot be stored
TYTO_EVENT(signed_event, "account.signed", by, limit, rates, grade, text, seal)

struct with_signed : account {
  using event = std::variant<opened, closed, signed_event>;
  static tyto::decision<event> decide(const state&, const open_account& c) { return opened{c.owner}; }
  static tyto::decision<event> decide(const state&, const close_account&) { return closed{}; }
  using account::evolve;
  static state evolve(state s, const signed_event&) { return s; }
};
const auto& made = tyto::definition_of<with_signed>();

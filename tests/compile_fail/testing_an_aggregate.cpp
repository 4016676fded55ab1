#include "prelude.hpp"
#include "tyto/testing/given.hpp"

using tyto::testing::given;

struct suspend {};
struct suspended {};
TYTO_EVENT(suspended, "account.suspended")

void use() {
  // expect error: tyto: the aggregate has no such event
  (void)given<account>(suspended{});
  // expect error: tyto: the aggregate has no such command
  (void)given<account>().when(suspend{});
  const auto done = given<account>().when(close_account{});
  // expect error: tyto: the aggregate decides no such event
  (void)done.then(suspended{});
  // expect error: tyto: an outcome of no events is expected by `then_nothing()`
  (void)done.then();
  // expect error: tyto: the state cannot be compared; give it an operator==
  (void)done.then_state({true});
}

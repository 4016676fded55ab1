#include "process_prelude.hpp"
#include "tyto/testing/given.hpp"

using tyto::testing::given;

void use() {
  // expect error: tyto: the process manager has no such event, and no such input
  (void)given<visit>(closed{});
  // expect error: tyto: the event is none of the process manager's inputs
  (void)given<visit>().when(closed{});
  // expect error: tyto: the process manager has no on for a refused command
  (void)given<visit>().when(tyto::refused_command{});
  // expect error: tyto: the event is none of the process manager's own
  (void)given<visit>().when(opened{}).then_events(closed{});
}

#include "prelude.hpp"
#include "tyto/caf.hpp"

void use(tyto::runtime& rt, const caf::actor& to) {
  // expect error: tyto: name the events: `tyto::subscribe<order_completed>(rt, actor)`
  (void)tyto::subscribe(rt, to);
}

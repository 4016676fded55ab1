#include "prelude.hpp"
#include "tyto/caf.hpp"

struct opened_again {
  std::string owner;
};
TYTO_EVENT(opened_again, "account.opened", owner)

void use(tyto::runtime& rt, const caf::actor& to) {
  // expect error: tyto: two events of the subscription have the same stored name
  (void)tyto::subscribe<opened, opened_again>(rt, to);
}

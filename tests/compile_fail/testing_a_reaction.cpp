#include "prelude.hpp"
#include "tyto/testing/given.hpp"

using tyto::testing::given;

struct closing {
  static constexpr std::string_view name = "closing";
  static tyto::commands react(const opened&, const tyto::metadata& m) {
    return {tyto::send<account>(m.entity_id(), close_account{})};
  }
};

void use() {
  // expect error: tyto: the reaction does not react to this event
  (void)given<closing>().when(closed{});
  // expect error: tyto: the reaction has no on_rejected
  (void)given<closing>().when(tyto::refused_command{});
  // expect error: tyto: a command is expected as it is sent
  (void)given<closing>().when(opened{}).then(close_account{});
  // expect error: tyto: an outcome of no commands is expected by `then_nothing()`
  (void)given<closing>().when(opened{}).then();
}

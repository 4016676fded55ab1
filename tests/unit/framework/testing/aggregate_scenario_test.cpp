#include "tyto/testing/aggregate_scenario.hpp"

#include <sstream>
#include <stdexcept>

#include "shop.hpp"
#include "support/catch.hpp"
#include "tyto/testing/given.hpp"
#include "unit/framework/orders.hpp"

using tyto::testing::given;

namespace {

const auto placed = given<shop::order>(shop::order_placed{"ann", {}});

}  // namespace

TEST_CASE("An aggregate decides a command against its history") {
  const auto done = placed.when(shop::pay{700});
  CHECK(done.then(shop::order_paid{700}));
  CHECK(done.then(shop::order_paid{700}).message().empty());
  REQUIRE(done.events().size() == 1);
  CHECK(std::get<shop::order_paid>(done.events()[0]).cents == 700);
  CHECK(done.rejected() == nullptr);
  CHECK(done.state().is_paid);
  CHECK(done.then_state({"ann", true}));
  CHECK(done.then_state([](const auto& s) { return s.is_paid; }));
}

TEST_CASE("Several events are expected in their order, all of them and no others") {
  const auto done = given<order>().when(create_completed{"ann", 5});
  CHECK(done.then(order_created{"ann"}, order_completed{5}));
  CHECK_FALSE(done.then(order_completed{5}, order_created{"ann"}));
  CHECK_FALSE(done.then(order_created{"ann"}));
  CHECK_FALSE(done.then(order_created{"ann"}, order_completed{5}, order_completed{5}));
}

TEST_CASE("An aggregate that changes nothing does as expected if nothing is") {
  CHECK(placed.when(shop::cancel{}).then_nothing());
  CHECK_FALSE(placed.when(shop::cancel{}).then(shop::order_paid{1}));
  CHECK_FALSE(placed.when(shop::pay{700}).then_nothing());
  CHECK_FALSE(placed.when(shop::pay{1}).then_nothing());
}

TEST_CASE("A rejection is expected as a whole, by its code, by its refusal, or whatever it is") {
  const auto refused = placed.when(shop::pay{200});
  REQUIRE(refused.rejected() != nullptr);
  CHECK(refused.events().empty());
  CHECK(refused.then(tyto::reject(shop::too_little{300}, "the tea costs 5 euros")));
  CHECK_FALSE(refused.then(tyto::reject("the tea costs 5 euros")));
  CHECK(refused.then_rejected());
  CHECK(refused.then_rejected("order.too_little"));
  CHECK_FALSE(refused.then_rejected("order.other"));
  CHECK(refused.then_rejected(shop::too_little{300}));
  CHECK_FALSE(refused.then_rejected(shop::too_little{301}));
  CHECK_FALSE(placed.when(shop::pay{700}).then_rejected());
  CHECK_FALSE(placed.when(shop::cancel{}).then_rejected());
}

TEST_CASE("A scenario may be used several times and gets no older by it") {
  CHECK(placed.when(shop::pay{700}).then(shop::order_paid{700}));
  CHECK(placed.when(shop::pay{800}).then(shop::order_paid{800}));
  CHECK_FALSE(placed.state().is_paid);
}

TEST_CASE("Another command meets what the one before has changed") {
  const auto done = given<shop::order>().when(shop::place{"ann"}).when(shop::place{"bob"});
  CHECK(done.then(tyto::reject("the order exists")));
  CHECK(done.given(shop::order_paid{700}).then_state({"ann", true}));
}

TEST_CASE("A difference marks the events that differ, and their fields, on both sides") {
  const auto wrong =
      given<shop::order>().when(shop::place{"ann"}).then(shop::order_placed{"ann", {{"tea", 3}}}, shop::order_paid{1});
  CHECK_FALSE(wrong);
  CHECK(wrong.message() ==
        R"(expected:
! order.placed {"customer":"ann","lines":[{"article":"tea","units":3}]}
!     lines[0].units: 3
! order.paid {"cents":1}
actual:
! order.placed {"customer":"ann","lines":[{"article":"tea","units":2}]}
!     lines[0].units: 2)");
  std::ostringstream printed;
  printed << wrong;
  CHECK(printed.str() == wrong.message());
}

TEST_CASE("A difference leaves the events unmarked that are as expected, at the beginning and at the end") {
  CHECK(given<order>().when(create_completed{"ann", 5}).then(order_created{"ann"}).message() ==
        R"(expected:
  order.created {"customer":"ann"}
actual:
  order.created {"customer":"ann"}
! order.completed {"total_cents":5})");
  CHECK(given<order>().when(create_completed{"ann", 5}).then(order_completed{5}).message() ==
        R"(expected:
  order.completed {"total_cents":5}
actual:
! order.created {"customer":"ann"}
  order.completed {"total_cents":5})");
}

TEST_CASE("A difference shows a rejection with its refusal, and what is nothing") {
  CHECK(placed.when(shop::pay{200}).then_nothing().message() ==
        R"(expected:
  nothing
actual:
! rejected: the tea costs 5 euros {"code":"order.too_little","refusal":{"missing_cents":300}})");
  CHECK(placed.when(shop::pay{200}).then(tyto::reject(shop::too_little{1}, "the tea costs 5 euros")).message() ==
        R"(expected:
! rejected: the tea costs 5 euros {"code":"order.too_little","refusal":{"missing_cents":1}}
!     refusal.missing_cents: 1
actual:
! rejected: the tea costs 5 euros {"code":"order.too_little","refusal":{"missing_cents":300}}
!     refusal.missing_cents: 300)");
  CHECK(placed.when(shop::cancel{}).then_rejected("order.other").message() ==
        "expected:\n! a rejection with the code order.other\nactual:\n  nothing");
}

TEST_CASE("A difference of states shows both, if their fields are named") {
  CHECK(placed.then_state({"ann", true}).message() ==
        R"(expected:
! state {"customer":"ann","is_paid":true}
!     is_paid: true
actual:
! state {"customer":"ann","is_paid":false}
!     is_paid: false)");
  CHECK(placed.then_state([](const auto& s) { return s.is_paid; }).message() ==
        R"(expected:
! a state of which the test's function is true
actual:
! state {"customer":"ann","is_paid":false})");
  CHECK(given<order>().then_state([](const auto& s) { return s.completed; }).message() ==
        "expected:\n! a state of which the test's function is true\nactual:\n! state of the type state");
}

TEST_CASE("What an aggregate throws comes through a scenario") {
  CHECK_THROWS_WITH(given<order>().when(break_decide{}), "decide is broken");
  CHECK_THROWS_WITH(given<order>().when(break_evolve{}), "evolve is broken");
}

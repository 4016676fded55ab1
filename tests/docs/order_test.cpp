#include <catch2/catch_test_macros.hpp>
#include <tyto/testing/given.hpp>

#include "order.hpp"

using tyto::testing::given;

TEST_CASE("An order is paid once, and in full") {
  const auto created = given<order>(order_created{500});
  CHECK(created.when(pay{500}).then(order_paid{500}));
  CHECK(created.when(pay{300}).then_rejected(too_little{200}));
  CHECK(created.given(order_paid{500}).when(pay{500}).then_nothing());
}

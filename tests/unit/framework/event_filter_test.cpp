#include "tyto/event_filter.hpp"
#include "support/catch.hpp"

using tyto::event_filter;

TEST_CASE("A filter that names nothing takes everything") { CHECK(event_filter{}.takes("order.created", "order|1")); }

TEST_CASE("A filter takes the types that it names, in whatever stream") {
  const event_filter filter{{"order.created", "order.paid"}, {}};
  CHECK(filter.takes("order.created", "order|1"));
  CHECK(filter.takes("order.paid", "invoice|1"));
  CHECK_FALSE(filter.takes("order.cancelled", "order|1"));
  CHECK_FALSE(filter.takes("order.create", "order|1"));
}

TEST_CASE("A filter takes streams of the categories that it names, whole names only") {
  const event_filter filter{{}, {"order"}};
  CHECK(filter.takes("anything", "order|1"));
  CHECK(filter.takes("anything", "order|a|b"));
  CHECK_FALSE(filter.takes("anything", "orders|1"));
  CHECK_FALSE(filter.takes("anything", "invoice|order"));
}

TEST_CASE("A filter by both takes what passes both") {
  const event_filter filter{{"paid"}, {"order", "invoice"}};
  CHECK(filter.takes("paid", "invoice|1"));
  CHECK_FALSE(filter.takes("paid", "account|1"));
  CHECK_FALSE(filter.takes("sent", "invoice|1"));
}

#include "domain/fulfilment.hpp"

#include <chrono>
#include <string>
#include <tyto/testing/given.hpp>
#include <vector>

#include "support/catch.hpp"

namespace {

using namespace shop;
using tyto::send;
using tyto::testing::given;
using tyto::testing::noon;

const std::vector<item> items{{"A", 5}, {"B", 1}};
const auto timeout = noon + payment_timeout;

const auto unpaid = given<fulfilment>(payment_awaited{items, timeout});
const auto paid = unpaid.given(payment_arrived{items});

const tyto::metadata of_a{.persistence_id = "stock|A"};
const tyto::metadata of_b{.persistence_id = "stock|B"};

}  // namespace

TEST_CASE("A fulfilment waits for the payment, but not for ever") {
  const order_created created{"c", "", "", {{"A", "", 2, 150}, {"B", "", 1, 300}, {"A", "", 3, 100}}, 900};
  const auto waiting = given<fulfilment>().when(created);
  CHECK(waiting.then_events(payment_awaited{items, timeout}));
  CHECK(waiting.then_deadlines(tyto::deadline{"payment", timeout}));
  const auto missed = waiting.when_time_passes(payment_timeout);
  CHECK(missed.then_events(payment_missed{}));
  CHECK(missed.then(send<order>("1", order::cancel{"payment timed out"})));
}

TEST_CASE("A payment in time has the goods reserved, units per stock code") {
  const auto in_time = unpaid.when(payment_succeeded{900});
  CHECK(in_time.then_events(payment_arrived{items}));
  CHECK(in_time.then(send<stock>("A", stock::reserve{"1", 5}), send<stock>("B", stock::reserve{"1", 1})));
  CHECK(in_time.then_no_deadlines());
}

TEST_CASE("A declined payment cancels the order") {
  const auto declined = unpaid.when(payment_declined{900});
  CHECK(declined.then(send<order>("1", order::cancel{"payment declined"})));
  CHECK(declined.then_no_deadlines());
  CHECK(declined.is_over());
}

TEST_CASE("A payment that comes after the order was given up is refunded") {
  const auto given_up = unpaid.when_deadline("payment");
  CHECK_FALSE(given_up.is_over());
  CHECK(given_up.when(payment_succeeded{900}).then(send<payment>("1", payment::refund{})));
  CHECK(given_up.when(payment_succeeded{900}).is_over());
  CHECK(given_up.when(payment_declined{900}).then_nothing());
}

TEST_CASE("The order completes once every stock code has answered") {
  const auto one = paid.when(stock_reserved{"1", 1}, of_b);
  CHECK(one.then_events(line_reserved{"B"}));
  const auto both = one.when(stock_reserved{"1", 5}, of_a);
  CHECK(both.then_events(line_reserved{"A"}, inventory_reserved{items}));
  CHECK(both.then(send<order>("1", order::complete{})));
}

TEST_CASE("An order that lacks a stock code releases the others, gets its money back and is cancelled") {
  const auto refund = send<payment>("1", payment::refund{});
  const auto cancel = send<order>("1", order::cancel{"out of stock"});
  const auto without_b = paid.given(line_short{"B"});
  CHECK(without_b.when(stock_reserved{"1", 5}, of_a).then(send<stock>("A", stock::release{"1"}), refund, cancel));
  CHECK(without_b.when(stock_short{"1", 5, 0}, of_a).then_events(line_short{"A"}, inventory_short{{"A", "B"}, {}}));
  CHECK(without_b.when(stock_short{"1", 5, 0}, of_a).then(refund, cancel));
}

TEST_CASE("An answer that comes again changes nothing") {
  CHECK(paid.when(payment_succeeded{900}).then_nothing());
  CHECK(paid.given(line_short{"B"}).when(stock_reserved{"1", 1}, of_b).then_nothing());
  CHECK(unpaid.when(stock_reserved{"1", 1}, of_b).then_nothing());
}

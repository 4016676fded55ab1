#include "domain.hpp"

#include <limits>
#include <string>
#include <tyto/testing/given.hpp>
#include <vector>

#include "consumers.hpp"
#include "support/catch.hpp"

namespace {

using namespace shop;
using tyto::testing::given;
using tyto::testing::row;

const std::vector<invoice_line> asked{{"A", "apple", 2, 150}, {"B", "bread", 1, 300}, {"A", "apple", 3, 100}};
const order::create create_order{"17850", "France", "2026-01-05", asked};
const order_created created{
    "17850", "France", "2026-01-05", {{"A", "apple", 2, 150}, {"B", "bread", 1, 300}, {"A", "apple", 3, 100}}, 900};
const std::vector<item> items{{"A", 5}, {"B", 1}};

const auto new_order = given<order>();
const auto placed = new_order.given(created);
const auto completed = placed.given(order_completed{"17850", 900, 6});
const auto cancelled = placed.given(order_cancelled{"17850", "out of stock"});

tyto::testing::verdict create_with(std::vector<invoice_line> lines, const std::string& reason) {
  return new_order.when(order::create{"17850", "France", "2026-01-05", std::move(lines)}).then(tyto::reject(reason));
}

}  // namespace

TEST_CASE("An order is created with its total") { CHECK(new_order.when(create_order).then(created)); }

TEST_CASE("An order is not created twice") {
  CHECK(placed.when(create_order).then(tyto::reject("the order exists already")));
  CHECK(completed.when(create_order).then(tyto::reject("the order exists already")));
}

TEST_CASE("An order is rejected with the reason") {
  CHECK(create_with({}, "no lines"));
  CHECK(create_with({{"A", "", 1, 1}, {"B", "", 0, 1}}, "a quantity is less than 1"));
  CHECK(create_with({{"A", "", -1, 1}}, "a quantity is less than 1"));
  CHECK(create_with({{"A", "", 1, 0}}, "a unit price is less than 0.01"));
  CHECK(create_with({{"A", "", 1, -5}}, "a unit price is less than 0.01"));
  CHECK(create_with({{"A", "", 1, std::nullopt}}, "a unit price is not in whole cents"));
}

TEST_CASE("An order whose total is beyond counting is rejected") {
  constexpr auto huge = std::numeric_limits<std::int64_t>::max();
  CHECK(create_with({{"A", "", huge, 1}}, "the total is too large"));
  CHECK(create_with({{"A", "", 1, huge}}, "the total is too large"));
  CHECK(create_with({{"A", "", largest_total, 1}, {"A", "", 1, 1}}, "the total is too large"));
  CHECK(create_with({{"A", "", 2, largest_total / 2 + 1}}, "the total is too large"));
  CHECK_FALSE(new_order.when(order::create{"", "", "", {{"A", "", largest_total, 1}}}).rejected());
}

TEST_CASE("An order completes or is cancelled, once") {
  CHECK(placed.when(order::complete{}).then(order_completed{"17850", 900, 6}));
  CHECK(placed.when(order::cancel{"payment declined"}).then(order_cancelled{"17850", "payment declined"}));
  CHECK(completed.when(order::complete{}).then_nothing());
  CHECK(completed.when(order::cancel{"x"}).then(tyto::reject("the order can no longer be cancelled")));
  CHECK(cancelled.when(order::cancel{"out of stock"}).then_nothing());
  CHECK(cancelled.when(order::complete{}).then(tyto::reject("the order is cancelled")));
}

TEST_CASE("Commands to an order that does not exist are rejected") {
  CHECK(new_order.when(order::complete{}).then(tyto::reject("there is no such order")));
  CHECK(new_order.when(order::cancel{"x"}).then(tyto::reject("there is no such order")));
}

TEST_CASE("A payment succeeds or is declined, once") {
  const auto fresh = given<payment>();
  CHECK(fresh.when(payment::charge{900, true}).then(payment_succeeded{900}));
  CHECK(fresh.when(payment::charge{900, false}).then(payment_declined{900}));
  CHECK(fresh.given(payment_succeeded{900}).when(payment::charge{900, false}).then_nothing());
  CHECK(fresh.given(payment_declined{900}).when(payment::charge{900, true}).then_nothing());
}

TEST_CASE("A charge is refunded in full, once") {
  const auto charged = given<payment>(payment_succeeded{900});
  CHECK(charged.when(payment::refund{}).then(payment_refunded{900}));
  CHECK(charged.given(payment_refunded{900}).when(payment::refund{}).then_nothing());
  CHECK(given<payment>().when(payment::refund{}).then_rejected());
  CHECK(given<payment>(payment_declined{900}).when(payment::refund{}).then_rejected());
}

TEST_CASE("A return is refunded once") {
  const auto fresh = given<payment>();
  CHECK(fresh.when(payment::refund_return{250}).then(return_refunded{250}));
  CHECK(fresh.given(return_refunded{250}).when(payment::refund_return{250}).then_nothing());
  CHECK(fresh.given(payment_succeeded{900}).when(payment::refund_return{250}).then_rejected());
}

TEST_CASE("Stock is reserved down to the last unit") {
  const auto ten = given<stock>(stock_received{10});
  CHECK(ten.when(stock::reserve{"1", 10}).then(stock_reserved{"1", 10}));
  CHECK(ten.when(stock::reserve{"1", 11}).then(stock_short{"1", 11, 10}));
  CHECK(ten.given(stock_reserved{"1", 8}).when(stock::reserve{"2", 3}).then(stock_short{"2", 3, 2}));
}

TEST_CASE("Stock that is released or restocked can be reserved again") {
  const auto ten = given<stock>(stock_received{10});
  const auto empty = ten.given(stock_reserved{"1", 10});
  CHECK(empty.when(stock::release{"1"}).then(stock_released{"1", 10}));
  CHECK(empty.given(stock_released{"1", 10}).when(stock::reserve{"2", 10}).then(stock_reserved{"2", 10}));
  CHECK(empty.when(stock::restock{"C1", 4}).then(stock_restocked{"C1", 4}));
  CHECK(empty.given(stock_restocked{"C1", 4}).when(stock::reserve{"2", 4}).then(stock_reserved{"2", 4}));
}

TEST_CASE("Commands to stock that come again change nothing") {
  const auto ten = given<stock>(stock_received{10}, stock_reserved{"1", 2});
  CHECK(ten.when(stock::reserve{"1", 2}).then_nothing());
  CHECK(ten.given(stock_released{"1", 2}).when(stock::release{"1"}).then_nothing());
  CHECK(ten.given(stock_released{"1", 2}).when(stock::reserve{"1", 2}).then_nothing());
  CHECK(ten.given(stock_short{"2", 50, 8}).when(stock::reserve{"2", 50}).then_nothing());
  CHECK(ten.given(stock_restocked{"C1", 4}).when(stock::restock{"C1", 4}).then_nothing());
  CHECK(ten.when(stock::release{"9"}).then_rejected());
}

TEST_CASE("Goods of a return are counted per stock code, with positive quantities") {
  const goods_return::accept accept{
      "17850", "2026-01-06", {{"B", "", -1, 300}, {"A", "", -2, 150}, {"B", "", -1, 250}}};
  CHECK(given<goods_return>().when(accept).then(goods_returned{
      "17850", "2026-01-06", {{"B", "", 1, 300}, {"A", "", 2, 150}, {"B", "", 1, 250}}, {{"A", 2}, {"B", 2}}, 850}));
}

TEST_CASE("A return is rejected with the reason") {
  const auto return_with = [](std::vector<invoice_line> lines, const std::string& reason) {
    return given<goods_return>().when(goods_return::accept{"", "", std::move(lines)}).then(tyto::reject(reason));
  };
  CHECK(return_with({}, "no lines"));
  CHECK(return_with({{"A", "", 0, 100}}, "a quantity is greater than -1"));
  CHECK(return_with({{"A", "", -1, 0}}, "a unit price is less than 0.01"));
  CHECK(return_with({{"A", "", std::numeric_limits<std::int64_t>::min(), 100}}, "the total is too large"));
}

TEST_CASE("Billing asks the gateway and charges what it says") {
  const auto bill = [](payment_gateway gateway) { return given(billing{gateway}).when(created); };
  CHECK(bill({42, 0, 1}).then_nothing());  // the bank never answers
  CHECK(bill({42, 0}).then(tyto::send<payment>("1", payment::charge{900, true})));
  CHECK(bill({42, 1}).then(tyto::send<payment>("1", payment::charge{900, false})));
}

TEST_CASE("Returned goods are refunded and restocked") {
  const goods_returned returned{"17850", "2026-01-06", {}, items, 850};
  CHECK(given<billing>()
            .when(returned, {.persistence_id = "return|C1"})
            .then(tyto::send<payment>("C1", payment::refund_return{850})));
  CHECK(given<inventory>()
            .when(returned, {.persistence_id = "return|C1"})
            .then(tyto::send<stock>("A", stock::restock{"C1", 5}), tyto::send<stock>("B", stock::restock{"C1", 1})));
}

TEST_CASE("The summary of orders knows each order's outcome, and the sums") {
  const auto three = given<order_summary>(created, {.persistence_id = "order|1"})
                         .given(created, {.persistence_id = "order|2"})
                         .given(created, {.persistence_id = "order|3"})
                         .given(order_completed{"17850", 900, 6}, {.persistence_id = "order|1"})
                         .given(order_cancelled{"17850", "out of stock"}, {.persistence_id = "order|2"});
  const order_row open{"17850", order_status::open, "", 900, 6};
  CHECK(three.then(row("1", order_row{"17850", order_status::completed, "", 900, 6}),
                   row("2", order_row{"17850", order_status::cancelled, "out of stock", 900, 6}), row("3", open)));
  CHECK(three.when(order_summary::find{"3"}).then(open));
  CHECK(three.when(order_summary::find{"4"}).then(std::nullopt));
  CHECK(three.when(order_summary::totals{}).then({1, 1, {{"out of stock", 1}}, 900, 6}));
}

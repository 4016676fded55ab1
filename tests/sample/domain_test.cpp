#include "domain.hpp"

#include <limits>
#include <string>
#include <tyto/spec.hpp>
#include <vector>

#include "consumers.hpp"
#include "support/catch.hpp"

namespace {

using namespace shop;

const std::vector<invoice_line> asked{{"A", "apple", 2, 150}, {"B", "bread", 1, 300}, {"A", "apple", 3, 100}};
const order::create create_order{"17850", "France", "2026-01-05", asked};
const order_created created{
    "17850", "France", "2026-01-05", {{"A", "apple", 2, 150}, {"B", "bread", 1, 300}, {"A", "apple", 3, 100}}, 900};
const std::vector<item> items{{"A", 5}, {"B", 1}};

const auto new_order = tyto::spec<order>{};
const auto placed = new_order.given(created);
const auto completed = placed.given(order_completed{"17850", 900, 6});
const auto cancelled = placed.given(order_cancelled{"17850", "out of stock"});

tyto::verdict create_with(std::vector<invoice_line> lines, const std::string& reason) {
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
  CHECK(completed.when(order::complete{}).then());
  CHECK(completed.when(order::cancel{"x"}).then(tyto::reject("the order can no longer be cancelled")));
  CHECK(cancelled.when(order::cancel{"out of stock"}).then());
  CHECK(cancelled.when(order::complete{}).then(tyto::reject("the order is cancelled")));
}

TEST_CASE("Commands to an order that does not exist are rejected") {
  CHECK(new_order.when(order::complete{}).then(tyto::reject("there is no such order")));
  CHECK(new_order.when(order::cancel{"x"}).then(tyto::reject("there is no such order")));
}

TEST_CASE("A payment succeeds or is declined, once") {
  const tyto::spec<payment> fresh;
  CHECK(fresh.when(payment::charge{900, true}).then(payment_succeeded{900}));
  CHECK(fresh.when(payment::charge{900, false}).then(payment_declined{900}));
  CHECK(fresh.given(payment_succeeded{900}).when(payment::charge{900, false}).then());
  CHECK(fresh.given(payment_declined{900}).when(payment::charge{900, true}).then());
}

TEST_CASE("A charge is refunded in full, once") {
  const auto charged = tyto::spec<payment>{}.given(payment_succeeded{900});
  CHECK(charged.when(payment::refund{}).then(payment_refunded{900}));
  CHECK(charged.given(payment_refunded{900}).when(payment::refund{}).then());
  CHECK(tyto::spec<payment>{}.when(payment::refund{}).rejected());
  CHECK(tyto::spec<payment>{}.given(payment_declined{900}).when(payment::refund{}).rejected());
}

TEST_CASE("A return is refunded once") {
  const tyto::spec<payment> fresh;
  CHECK(fresh.when(payment::refund_return{250}).then(return_refunded{250}));
  CHECK(fresh.given(return_refunded{250}).when(payment::refund_return{250}).then());
  CHECK(fresh.given(payment_succeeded{900}).when(payment::refund_return{250}).rejected());
}

TEST_CASE("Stock is reserved down to the last unit") {
  const auto ten = tyto::spec<stock>{}.given(stock_received{10});
  CHECK(ten.when(stock::reserve{"1", 10}).then(stock_reserved{"1", 10}));
  CHECK(ten.when(stock::reserve{"1", 11}).then(stock_short{"1", 11, 10}));
  CHECK(ten.given(stock_reserved{"1", 8}).when(stock::reserve{"2", 3}).then(stock_short{"2", 3, 2}));
}

TEST_CASE("Stock that is released or restocked can be reserved again") {
  const auto ten = tyto::spec<stock>{}.given(stock_received{10});
  const auto empty = ten.given(stock_reserved{"1", 10});
  CHECK(empty.when(stock::release{"1"}).then(stock_released{"1", 10}));
  CHECK(empty.given(stock_released{"1", 10}).when(stock::reserve{"2", 10}).then(stock_reserved{"2", 10}));
  CHECK(empty.when(stock::restock{"C1", 4}).then(stock_restocked{"C1", 4}));
  CHECK(empty.given(stock_restocked{"C1", 4}).when(stock::reserve{"2", 4}).then(stock_reserved{"2", 4}));
}

TEST_CASE("Commands to stock that come again change nothing") {
  const auto ten = tyto::spec<stock>{}.given(stock_received{10}, stock_reserved{"1", 2});
  CHECK(ten.when(stock::reserve{"1", 2}).then());
  CHECK(ten.given(stock_released{"1", 2}).when(stock::release{"1"}).then());
  CHECK(ten.given(stock_released{"1", 2}).when(stock::reserve{"1", 2}).then());
  CHECK(ten.given(stock_short{"2", 50, 8}).when(stock::reserve{"2", 50}).then());
  CHECK(ten.given(stock_restocked{"C1", 4}).when(stock::restock{"C1", 4}).then());
  CHECK(ten.when(stock::release{"9"}).rejected());
}

TEST_CASE("Goods of a return are counted per stock code, with positive quantities") {
  const goods_return::accept accept{
      "17850", "2026-01-06", {{"B", "", -1, 300}, {"A", "", -2, 150}, {"B", "", -1, 250}}};
  CHECK(tyto::spec<goods_return>{}.when(accept).then(goods_returned{
      "17850", "2026-01-06", {{"B", "", 1, 300}, {"A", "", 2, 150}, {"B", "", 1, 250}}, {{"A", 2}, {"B", 2}}, 850}));
}

TEST_CASE("A return is rejected with the reason") {
  const auto reason = [](std::vector<invoice_line> lines) {
    const auto outcome = tyto::spec<goods_return>{}.when(goods_return::accept{"", "", std::move(lines)});
    return outcome.rejected() ? outcome.rejected()->reason : "none";
  };
  CHECK(reason({}) == "no lines");
  CHECK(reason({{"A", "", 0, 100}}) == "a quantity is greater than -1");
  CHECK(reason({{"A", "", -1, 0}}) == "a unit price is less than 0.01");
  CHECK(reason({{"A", "", std::numeric_limits<std::int64_t>::min(), 100}}) == "the total is too large");
}

TEST_CASE("Billing asks the gateway and charges what it says") {
  tyto::metadata meta;
  meta.persistence_id = "order|1";
  CHECK(billing{{42, 0, 1}}.react(created, meta).empty());  // the bank never answers
  const auto charge_of = [&meta](double decline_rate) {
    const auto sent = billing{{42, decline_rate}}.react(created, meta);
    REQUIRE(sent.size() == 1);
    CHECK(sent[0].entity_id == "1");
    return std::get<payment::charge>(*static_cast<const payment::command*>(sent[0].command.get()));
  };
  CHECK(charge_of(0).amount_cents == 900);
  CHECK(charge_of(0).approved);
  CHECK_FALSE(charge_of(1).approved);
}

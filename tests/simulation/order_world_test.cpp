// The sample's shop in simulated worlds, as its author would test it: orders are placed, stock and returns arrive,
// while the program is killed, its disk fails and its clock is set.
#include <map>
#include <memory>
#include <set>
#include <string>

#include "consumers.hpp"
#include "registrations.hpp"
#include "seeds.hpp"
#include "support/catch.hpp"
#include "tyto/history.hpp"
#include "tyto/testing/simulation.hpp"

namespace {

using tyto::testing::choices;
using tyto::testing::inside;

const tyto::at_time now{tyto::timestamp::max()};
const std::vector<std::string> stock_codes{"lamp", "bag", "mug"};

struct town {
  std::shared_ptr<shop::mail_server> mail = std::make_shared<shop::mail_server>(shop::mail_faults{});
  std::set<std::string> orders;   // that were accepted
  std::set<std::string> returns;  // likewise
};

// A bank that declines some payments, and does not answer to others.
const shop::payment_gateway bank{7, 0.2, 0.2};

void place_order(tyto::runtime& rt, town& outside, choices& draw) {
  const auto number = std::to_string(draw.below(12));
  shop::order::create order{"ann", "UK", "today", {}};
  for (auto lines = draw.between(1, 3); lines > 0; --lines) {
    order.lines.push_back({draw.pick(stock_codes), "", static_cast<std::int64_t>(draw.between(1, 6)), 250});
  }
  tyto::command_options options;
  options.command_id = "invoice/" + number;
  if (rt.execute<shop::order>(number, std::move(order), options)) outside.orders.insert(number);
}

void receive_stock(tyto::runtime& rt, town&, choices& draw) {
  (void)rt.execute<shop::stock>(draw.pick(stock_codes),
                                shop::stock::receive{static_cast<std::int64_t>(draw.between(1, 9))});
}

void take_back(tyto::runtime& rt, town& outside, choices& draw) {
  const auto number = "C" + std::to_string(draw.below(6));
  shop::goods_return::accept goods{"bob", "today", {{draw.pick(stock_codes), "", -1, 250}}};
  tyto::command_options options;
  options.command_id = "invoice/" + number;
  if (rt.execute<shop::goods_return>(number, std::move(goods), options)) outside.returns.insert(number);
}

void read_order(tyto::runtime& rt, town& outside, choices& draw) {
  const auto number = std::to_string(draw.below(12));
  const bool was_accepted = outside.orders.contains(number);
  const auto head = rt.status().head;
  const auto row = rt.query<shop::order_summary>(shop::order_summary::find{number}, {.at_least = head});
  if (row && was_accepted && !*row) throw std::runtime_error("order " + number + " is not in the summary");
}

std::string no_stock_is_negative(const inside& at, const town&) {
  for (const auto& code : stock_codes) {
    const auto stock = tyto::state_at<shop::stock>(*at.stored.journal, code, now);
    if (stock && stock->on_hand < 0) return code + ": " + std::to_string(stock->on_hand);
  }
  return {};
}

std::string every_order_has_ended(const inside& at, const town& outside) {
  const auto totals = at.program.query<shop::order_summary>(shop::order_summary::totals{});
  if (!totals) return totals.error().message();
  if (totals->open > 0) return std::to_string(totals->open) + " orders are open";
  for (const auto& number : outside.orders) {
    const auto row = at.program.query<shop::order_summary>(shop::order_summary::find{number});
    if (!row || !*row) return "order " + number + " was accepted, and is not in the summary";
  }
  return {};
}

// Paid for what was delivered, and for nothing else.
std::string money_and_goods_agree(const inside& at, const town&) {
  const auto rows = at.program.query<shop::order_summary>(shop::order_summary::list{});
  if (!rows) return rows.error().message();
  for (const auto& [number, row] : *rows) {
    const auto payment = tyto::state_at<shop::payment>(*at.stored.journal, number, now);
    if (!payment) return payment.error().message();
    const bool is_charged = payment->at == shop::payment::phase::charged;
    const bool is_delivered = row.status == shop::order_status::completed;
    if (is_charged != is_delivered) return "order " + number + (is_charged ? " was paid only" : " was not paid");
  }
  return {};
}

std::string every_customer_was_told(const inside& at, const town& outside) {
  const auto totals = at.program.query<shop::order_summary>(shop::order_summary::totals{});
  if (!totals) return totals.error().message();
  auto expected = totals->completed + outside.returns.size();
  for (const auto& [reason, count] : totals->cancelled) expected += count;
  const auto sent = outside.mail->sent();
  // Returns that were stored, but whose answer was lost with the program, count too.
  if (sent < expected) return std::to_string(sent) + " messages for " + std::to_string(expected) + " outcomes";
  return {};
}

tyto::testing::simulation<town> shop_in_a_world(tyto::testing::simulation_options options) {
  tyto::testing::simulation<town> world{std::move(options)};
  world.program([](tyto::runtime& rt, town& outside) { shop::register_domain(rt, bank, outside.mail); })
      .action("an order is placed", place_order)
      .action("stock arrives", receive_stock)
      .action("goods come back", take_back)
      .action("an order is looked at", read_order)
      .always("no stock is negative", no_stock_is_negative)
      .at_rest("every order has ended", every_order_has_ended)
      .at_rest("money and goods agree", money_and_goods_agree)
      .at_rest("every customer was told", every_customer_was_told);
  return world;
}

}  // namespace

TEST_CASE("The shop keeps its promises in worlds whose disks fail") {
  tyto::testing::simulation_options options;
  options.faults = {.failing_appends = 30,
                    .failing_commits = 30,
                    .failing_syncs = 10,
                    .failing_reads = 200,
                    .full_disk = 300,
                    .delayed_appends = 4};
  const auto report = shop_in_a_world(options).explore(tyto::test::explored(300));
  WARN(report);
  REQUIRE(report);
}

TEST_CASE("The shop keeps its promises wherever it is killed") {
  const auto report = shop_in_a_world({.actions = 10}).crash_everywhere(tyto::test::explored(5, 100));
  WARN(report);
  REQUIRE(report);
}

#include "simulation.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <tyto/memory_store.hpp>
#include <tyto/printable.hpp>
#include <utility>
#include <vector>

#include "generator.hpp"
#include "import.hpp"
#include "report.hpp"
#include "support/catch.hpp"
#include "support/scripted_store.hpp"

namespace {

shop::report simulate_on(const tyto::storage& stores, const shop::invoice_source& source,
                         const shop::simulation_options& options) {
  auto outcome = shop::simulate(stores, source, options);
  if (!outcome) FAIL(outcome.error().message());
  shop::report made;
  made.outcome = *std::move(outcome);
  made.account = shop::account_for(*stores.journal);
  made.audit_failure = shop::audit(made.account, made.outcome.read_model);
  return made;
}

shop::report simulate_on(const tyto::storage& stores, const shop::invoice_source& source, double decline_rate,
                         std::int64_t initial_stock) {
  return simulate_on(stores, source, {{42, decline_rate}, {}, initial_stock, false});
}

nlohmann::json json_of(const shop::report& report) {
  auto json = nlohmann::json::parse(shop::to_json(report));
  json.erase("seconds");
  return json;
}

shop::invoice_source invoices_of(const std::string& rows) {
  auto invoices = shop::parse_invoices(
      "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n" + rows);
  REQUIRE(invoices);
  return shop::source_of(*std::move(invoices));
}

shop::simulation_options quietly(std::function<bool()> stop_asked) {
  return {{42, 0}, {}, 1'000'000, false, std::move(stop_asked)};
}

}  // namespace

TEST_CASE("Orders are completed when all goes well") {
  const auto report = simulate_on(tyto::open_memory(), shop::generate(42, 200), 0, 1'000'000);
  CHECK(report.audit_failure.value_or("passed") == "passed");
  const auto json = json_of(report);
  CHECK(json["orders_total"] == 200);
  CHECK(json["orders_completed"] == 200);
  CHECK(json["returns_accepted"] == 4);
  CHECK(report.outcome.notifications.sent == 204);
}

TEST_CASE("Declined payments cancel their orders and touch no stock") {
  const auto report = simulate_on(tyto::open_memory(), shop::generate(42, 100), 1, 1'000'000);
  CHECK(report.audit_failure.value_or("passed") == "passed");
  CHECK(json_of(report)["orders_cancelled_payment_declined"] == 100);
  CHECK_FALSE(report.account.events_by_type.contains("stock.reserved"));
}

TEST_CASE("Payments that never come end their orders once the time is over") {
  const auto stores = tyto::open_memory();
  const shop::simulation_options options{{42, 0.1, 0.1}, {}, 1'000'000, false};
  const auto report = simulate_on(stores, shop::generate(42, 300), options);
  CHECK(report.audit_failure.value_or("passed") == "passed");
  const auto json = json_of(report);
  const std::uint64_t timed_out = json["orders_cancelled_payment_timed_out"];
  CHECK(timed_out > 10);
  CHECK(timed_out < 60);
  CHECK(json["orders_completed"].get<std::uint64_t>() + json["orders_cancelled_payment_declined"].get<std::uint64_t>() +
            timed_out ==
        300);
  CHECK(report.account.events_by_type.at("tyto.deadline_reached") == timed_out);
  CHECK(report.account.events_by_type.at("fulfilment.payment_missed") == timed_out);
  CHECK(report.outcome.notifications.sent == 306);
  CHECK(json_of(simulate_on(stores, shop::generate(42, 300), options)) == json);
}

TEST_CASE("An order that lacks one of its goods gives back the others and its money") {
  const auto stores = tyto::open_memory();
  const auto report =
      simulate_on(stores, invoices_of("1,A,,2,d,1.00,1,x\n1,B,,5,d,1.00,1,x\n1,C,,3,d,1.00,1,x\n"), 0, 4);
  CHECK(report.audit_failure.value_or("passed") == "passed");
  CHECK(json_of(report)["orders_cancelled_out_of_stock"] == 1);
  CHECK(report.account.events_by_type.at("stock.released") == 2);
  CHECK(report.account.payments.at("1").refunded_cents == 1'000);
  CHECK(report.account.stocks.at("A").on_hand == 4);
}

TEST_CASE("Of more orders than goods, as many are completed as there are goods") {
  std::string rows;
  for (int order = 1; order <= 50; ++order) rows += std::to_string(order) + ",A,,1,d,2.00,1,x\n";
  const auto report = simulate_on(tyto::open_memory(), invoices_of(rows), 0, 20);
  CHECK(report.audit_failure.value_or("passed") == "passed");
  const auto json = json_of(report);
  CHECK(json["orders_completed"] == 20);
  CHECK(json["orders_cancelled_out_of_stock"] == 30);
  CHECK(json["revenue_cents"] == 4'000);
}

TEST_CASE("Rejected invoices are counted by reason and leave nothing in the journal") {
  const auto report = simulate_on(
      tyto::open_memory(), invoices_of("1,A,,0,d,1.00,1,x\n2,A,,1,d,0.00,1,x\n3,A,,0,d,1.00,1,x\nC4,A,,1,d,1.00,1,x\n"),
      0, 1'000);
  CHECK(report.outcome.rejected_orders ==
        std::map<std::string, std::uint64_t>{{"a quantity is less than 1", 2}, {"a unit price is less than 0.01", 1}});
  CHECK(report.outcome.rejected_returns == std::map<std::string, std::uint64_t>{{"a quantity is greater than -1", 1}});
  CHECK(report.account.events_total == 1);  // the stock's delivery
  CHECK(json_of(report)["orders_total"] == 3);
}

TEST_CASE("A slow notification tells every customer in the end") {
  const shop::mail_faults slow{42, std::chrono::milliseconds{2}, 0};
  const auto report = simulate_on(tyto::open_memory(), shop::generate(42, 200), {{42, 0}, slow, 1'000'000, false});
  CHECK(report.audit_failure.value_or("passed") == "passed");
  CHECK(json_of(report)["orders_completed"] == 200);
  CHECK(report.outcome.notifications.sent == 204);
  CHECK(report.outcome.seconds >= 204 * 0.002);
}

TEST_CASE("Orders end while notification fails, and every customer is told after the repair, once") {
  const shop::mail_faults down{42, {}, 1};
  const auto stores = tyto::open_memory();
  const auto report = simulate_on(stores, shop::generate(42, 100), {{42, 0}, down, 1'000'000, false});
  CHECK(report.audit_failure.value_or("passed") == "passed");
  CHECK(json_of(report)["orders_completed"] == 100);
  const auto& told = report.outcome.notifications;
  CHECK(told.sent == 102);
  CHECK(told.parked > 30);
  CHECK(told.parked < 70);
  CHECK(told.replayed == told.parked);
  CHECK(told.failures == 3 * told.parked + (told.sent - told.parked));
  CHECK(tyto::dead_letters(*stores.journal, "notification").value().empty());
}

TEST_CASE("Running the same again changes nothing and reports the same") {
  const auto stores = tyto::open_memory();
  const auto first = simulate_on(stores, shop::generate(42, 150), 0.1, 40);
  const auto second = simulate_on(stores, shop::generate(42, 150), 0.1, 40);
  CHECK(json_of(first) == json_of(second));
  CHECK(second.outcome.events_before == first.outcome.events_after);
  CHECK(second.outcome.events_after == first.outcome.events_after);
}

TEST_CASE("The story is that of the first order that was completed") {
  const auto report = simulate_on(tyto::open_memory(), invoices_of("7,A,,1,d,2.00,1,x\n"), 0, 20);
  CHECK(report.account.story.order_id() == "7");
  std::vector<std::string> told;
  for (const auto& each : report.account.story.events()) told.push_back(each.type + " by " + each.by);
  REQUIRE(told.size() == 8);
  std::sort(told.begin() + 1, told.begin() + 3);  // two consumers at once
  CHECK(told == std::vector<std::string>{
                    "order.created by customer",
                    "fulfilment.payment_awaited by fulfilment",
                    "payment.succeeded by billing",
                    "fulfilment.payment_arrived by fulfilment",
                    "stock.reserved by fulfilment/commands",
                    "fulfilment.line_reserved by fulfilment",
                    "inventory.reserved by fulfilment",
                    "order.completed by fulfilment/commands",
                });
  const auto text = shop::to_text(report);
  CHECK(text.find("The story of order 7: 1 unit over 2.00, customer 1") != std::string::npos);
  CHECK(text.find("Audit of the journal: passed") != std::string::npos);
}

TEST_CASE("The report tells how many events a second there were in each tenth of the run") {
  auto report = simulate_on(tyto::open_memory(), shop::generate(42, 200), 0, 1'000'000);
  const auto measured = report.outcome.over_time.in_parts(10);
  REQUIRE(measured.size() == 10);
  double events = 0;
  for (const auto each : measured) events += each * report.outcome.seconds / 10;
  CHECK(events <= 1.01 * static_cast<double>(report.outcome.events_after));

  report.outcome.over_time = {};
  CHECK(shop::to_text(report).find("in each tenth") == std::string::npos);
  for (int i = 0; i <= 10; ++i) report.outcome.over_time.note(i, static_cast<std::uint64_t>(500 * i * (i + 1)));
  CHECK(shop::to_text(report).find("  and in each tenth of that time\n"
                                   "           1,000         2,000         3,000         4,000         5,000\n"
                                   "           6,000         7,000         8,000         9,000        10,000\n") !=
        std::string::npos);
}

TEST_CASE("What a file names is printed without its control characters") {
  auto report = simulate_on(tyto::open_memory(), invoices_of("7\x1b[2J,A,,1,d,2.00,\"\u202e\n\",x\n"), 0, 20);
  report.what = "a\x07";
  report.audit_failure = "order \u009b31m\x7f";
  const auto text = shop::to_text(report);
  CHECK(text.find("Order simulation: a\\x07\n") != std::string::npos);
  CHECK(text.find("The story of order 7\\x1b[2J: 1 unit over 2.00, customer \\u202e\\n\n") != std::string::npos);
  CHECK(text.find("order|7\\x1b[2J") != std::string::npos);
  CHECK(text.find("order \\u009b31m\\x7f\n") != std::string::npos);
  CHECK(text.find_first_of("\x1b\x07\x7f") == std::string::npos);

  auto json = shop::to_json(report);
  std::erase(json, '\n');
  CHECK(tyto::printable(json) == json);
  CHECK(json_of(report)["audit"] == "order \u009b31m\x7f");
}

TEST_CASE("The simulation gives up when the journal takes no more, also for what only a consumer wants to write") {
  for (const auto* id : {"order|S42-0000050", "payment|S42-0000050"}) {
    auto stores = tyto::open_memory();
    const auto journal = std::make_shared<tyto::test::scripted_store>(stores.journal);
    stores.journal = journal;
    journal->fail_appends_to(id, tyto::error{tyto::errc::full, "appending", "the disk is full: make room"}, 1'000'000);
    const auto outcome = shop::simulate(stores, shop::generate(42, 100), quietly({}));
    REQUIRE_FALSE(outcome);
    CHECK(outcome.error().code() == tyto::errc::full);
    CHECK(outcome.error().message().find("the disk is full: make room") != std::string::npos);
  }
}

TEST_CASE("The simulation ends when it is asked to, and goes on when it is run again") {
  const auto stores = tyto::open_memory();
  std::atomic<int> looks = 0;
  const auto cut_off = shop::simulate(stores, shop::generate(42, 200), quietly([&] { return ++looks > 100; }));
  REQUIRE_FALSE(cut_off);
  CHECK(cut_off.error().code() == tyto::errc::stopped);
  CHECK(stores.journal->head().value() > 0);

  const auto report = simulate_on(stores, shop::generate(42, 200), 0, 1'000'000);
  CHECK(report.audit_failure.value_or("passed") == "passed");
  CHECK(json_of(report) == json_of(simulate_on(tyto::open_memory(), shop::generate(42, 200), 0, 1'000'000)));
}

TEST_CASE("The simulation ends when it is asked to while notifications are replayed, and the rest waits") {
  const auto stores = tyto::open_memory();
  auto options = quietly([&] {
    bool has_released = false;
    const auto look = [&](const tyto::event_view& event) {
      has_released = has_released || event.meta.type == tyto::stored_name<tyto::event_released>;
      return tyto::visit::next;
    };
    return stores.journal->read_stream("tyto.consumer|notification", 1, look) && has_released;
  });
  options.mail = {42, std::chrono::milliseconds{10}, 1};
  const auto cut_off = shop::simulate(stores, shop::generate(42, 100), options);
  REQUIRE_FALSE(cut_off);
  CHECK(cut_off.error().code() == tyto::errc::stopped);
  CHECK_FALSE(tyto::dead_letters(*stores.journal, "notification").value().empty());
}

TEST_CASE("An order of very many lines is an order like others") {
  std::string rows;
  for (int i = 0; i < 3'000; ++i) rows += "1,A" + std::to_string(i) + ",,1,d,1.00,1,x\n";
  const auto report = simulate_on(tyto::open_memory(), invoices_of(rows), 0, 10);
  CHECK(report.audit_failure.value_or("passed") == "passed");
  CHECK(report.account.events_by_type.at("fulfilment.line_reserved") == 3'000);
  CHECK(json_of(report)["units_sold"] == 3'000);
}

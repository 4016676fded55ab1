#include "audit.hpp"

#include <functional>
#include <string>
#include <tyto/memory_store.hpp>
#include <utility>
#include <variant>
#include <vector>

#include "payment_gateway.hpp"
#include "support/catch.hpp"

namespace {

using namespace shop;

// A journal as a list, so that a test can leave out, change or add an event before it is stored.
struct entry {
  std::string stream;
  tyto::recorded_event event;
};

template <class E>
entry fact(std::string stream, const E& event) {
  entry made{std::move(stream), {}};
  made.event.meta.type = tyto::stored_name<E>;
  made.event.payload = tyto::to_bytes(event);
  return made;
}

using journal = std::vector<entry>;

// Order 1 is completed, order 2 declined, order 3 out of stock; C4 is a return.
journal sound_journal() {
  return {
      fact("stock|A", stock_received{10}),
      fact("order|1", order_created{"c", "", "", {{"A", "", 4, 100}}, 400}),
      fact("payment|1", payment_succeeded{400}),
      fact("fulfilment|1", payment_arrived{{{"A", 4}}}),
      fact("stock|A", stock_reserved{"1", 4}),
      fact("fulfilment|1", line_reserved{"A"}),
      fact("fulfilment|1", inventory_reserved{{{"A", 4}}}),
      fact("order|1", order_completed{"c", 400, 4}),
      fact("order|2", order_created{"c", "", "", {{"A", "", 1, 100}}, 100}),
      fact("payment|2", payment_declined{100}),
      fact("order|2", order_cancelled{"c", "payment declined"}),
      fact("order|3", order_created{"c", "", "", {{"A", "", 1, 100}, {"B", "", 1, 100}}, 200}),
      fact("payment|3", payment_succeeded{200}),
      fact("fulfilment|3", payment_arrived{{{"A", 1}, {"B", 1}}}),
      fact("stock|A", stock_reserved{"3", 1}),
      fact("stock|B", stock_short{"3", 1, 0}),
      fact("fulfilment|3", line_reserved{"A"}),
      fact("fulfilment|3", line_short{"B"}),
      fact("fulfilment|3", inventory_short{{"B"}, {{"A", 1}}}),
      fact("stock|A", stock_released{"3", 1}),
      fact("payment|3", payment_refunded{200}),
      fact("order|3", order_cancelled{"c", "out of stock"}),
      fact("goods_return|C4", goods_returned{"c", "", {{"A", "", 2, 100}}, {{"A", 2}}, 200}),
      fact("payment|C4", return_refunded{200}),
      fact("stock|A", stock_restocked{"C4", 2}),
  };
}

read_model_view sound_read_model() {
  return {{{"1", {"c", order_status::completed, "", 400, 4}},
           {"2", {"c", order_status::cancelled, "payment declined", 100, 1}},
           {"3", {"c", order_status::cancelled, "out of stock", 200, 2}}},
          {0, 1, {{"out of stock", 1}, {"payment declined", 1}}, 400, 4}};
}

std::string audit_of(const journal& events, const read_model_view& read_model = sound_read_model()) {
  const auto stores = tyto::open_memory();
  for (const auto& [stream, event] : events) {
    auto write = std::make_shared<tyto::stream_write>();
    write->persistence_id = stream;
    write->events.push_back(event);
    const auto stored = tyto::append_and_wait(*stores.journal, {{write}, {}});
    REQUIRE(stored);
    REQUIRE(stored->front());
  }
  return audit(account_for(*stores.journal), read_model).value_or("passed");
}

journal without(const std::string& type, const std::string& stream) {
  auto events = sound_journal();
  const auto erased =
      std::erase_if(events, [&](const entry& each) { return each.event.meta.type == type && each.stream == stream; });
  REQUIRE(erased == 1);
  return events;
}

template <class E>
journal with(std::string stream, const E& event) {
  auto events = sound_journal();
  events.push_back(fact(std::move(stream), event));
  return events;
}

template <class E>
journal with_instead(const std::string& stream, const E& event) {
  auto events = sound_journal();
  for (auto& each : events) {
    if (each.stream == stream && each.event.meta.type == tyto::stored_name<E>) each = fact(stream, event);
  }
  return events;
}

}  // namespace

TEST_CASE("A sound journal passes the audit") {
  CHECK(audit_of(sound_journal()) == "passed");
  CHECK(audit_of({}, {}) == "passed");
}

TEST_CASE("The audit finds an order without an outcome") {
  CHECK(audit_of(without("order.completed", "order|1")) == "order 1 ended in 0 outcomes instead of exactly one");
  CHECK(audit_of(without("order.cancelled", "order|3")) == "order 3 ended in 0 outcomes instead of exactly one");
}

TEST_CASE("The audit finds a second outcome and names its position") {
  CHECK(audit_of(with("order|1", order_cancelled{"c", "out of stock"})) ==
        "position 26 (order.cancelled): order 1 has ended before");
  CHECK(audit_of(with("order|2", order_completed{"c", 100, 1})) ==
        "position 26 (order.completed): order 2 has ended before");
}

TEST_CASE("The audit finds an order that is created twice, or never") {
  CHECK(audit_of(with("order|2", order_created{"c", "", "", {{"A", "", 1, 100}}, 100})) ==
        "position 26 (order.created): order 2 is created twice");
  CHECK(audit_of(with("fulfilment|9", payment_awaited{})) ==
        "position 26 (fulfilment.payment_awaited): order 9 was never created");
}

TEST_CASE("The audit finds totals that do not add up") {
  CHECK(audit_of(with_instead("order|1", order_created{"c", "", "", {{"A", "", 4, 100}}, 500})) ==
        "position 2 (order.created): order 1: its lines do not add up to its total");
  CHECK(audit_of(with_instead("order|1", order_completed{"c", 399, 4})) ==
        "position 8 (order.completed): order 1 is completed with another total than it was created with");
}

TEST_CASE("The audit finds a charge that is neither kept nor refunded as it should be") {
  CHECK(audit_of(with("payment|1", payment_succeeded{400})) ==
        "position 26 (payment.succeeded): payment 1 is charged twice");
  CHECK(audit_of(without("payment.refunded", "payment|3")) ==
        "order 3 is cancelled, but 2.00 of its charge is not refunded");
  CHECK(audit_of(without("payment.succeeded", "payment|1")) ==
        "order 1 is completed over 4.00, but 0.00 of its charge is kept");
  CHECK(audit_of(with("payment|1", payment_refunded{400})) ==
        "order 1 is completed over 4.00, but 0.00 of its charge is kept");
  CHECK(audit_of(with("payment|3", payment_refunded{200})) ==
        "position 26 (payment.refunded): payment 3 is refunded twice");
  CHECK(audit_of(with("payment|2", payment_succeeded{100})) == "the payment of order 2 is both made and declined");
  CHECK(audit_of(without("payment.declined", "payment|2")) ==
        "order 2 is cancelled because of a declined payment, but none was declined");
  CHECK(audit_of(with("payment|9", payment_succeeded{1})) == "payment 9 belongs to no order and no return");
}

TEST_CASE("The audit accepts a payment that came late and was refunded, and no other") {
  auto events = with("order|5", order_created{"c", "", "", {{"A", "", 1, 100}}, 100});
  auto read_model = sound_read_model();
  read_model.orders.push_back({"5", {"c", order_status::cancelled, "payment timed out", 100, 1}});
  read_model.totals.cancelled["payment timed out"] = 1;
  events.push_back(fact("fulfilment|5", tyto::deadline_reached{"payment", {}}));
  events.push_back(fact("fulfilment|5", payment_missed{}));
  events.push_back(fact("order|5", order_cancelled{"c", "payment timed out"}));
  CHECK(audit_of(events, read_model) == "passed");
  events.push_back(fact("payment|5", payment_succeeded{100}));
  events.push_back(fact("fulfilment|5", payment_came_late{}));
  CHECK(audit_of(events, read_model) == "order 5 is cancelled, but 1.00 of its charge is not refunded");
  events.push_back(fact("payment|5", payment_refunded{100}));
  CHECK(audit_of(events, read_model) == "passed");
  CHECK(audit_of(with("fulfilment|2", payment_came_late{})) ==
        "position 26 (fulfilment.payment_came_late): payment 2 has not come at all");
}

TEST_CASE("The audit finds a return that is not refunded once") {
  CHECK(audit_of(without("payment.return_refunded", "payment|C4")) == "return C4 is worth 2.00, but 0.00 is refunded");
  CHECK(audit_of(with("payment|C4", return_refunded{200})) ==
        "position 26 (payment.return_refunded): return C4 is refunded twice");
  CHECK(audit_of(with("payment|C9", return_refunded{1})) ==
        "position 26 (payment.return_refunded): return C9 is refunded, but was never accepted");
}

TEST_CASE("The audit finds units that do not add up") {
  CHECK(audit_of(with_instead("stock|A", stock_received{3})) ==
        "position 5 (stock.reserved): stock A: 4 units are reserved, 3 are there");
  CHECK(audit_of(without("stock.released", "stock|A")) == "order 3 holds 1 units of A, but should hold 0");
  CHECK(audit_of(without("stock.restocked", "stock|A")) == "stock A: 0 units are restocked, returns brought 2");
  CHECK(audit_of(with("stock|A", stock_restocked{"C4", 2})) == "stock A: 4 units are restocked, returns brought 2");
  CHECK(audit_of(with("stock|A", stock_released{"3", 1})) ==
        "position 26 (stock.released): stock A: more is released than order 3 had reserved");
  CHECK(audit_of(with_instead("stock|B", stock_short{"3", 1, 0})) == "passed");
}

TEST_CASE("The audit finds a completed order that reserved too little") {
  auto events = sound_journal();
  std::erase_if(events, [](const entry& each) {
    return each.event.meta.type == "stock.reserved" && each.event.payload == tyto::to_bytes(stock_reserved{"1", 4});
  });
  CHECK(audit_of(events) == "order 1 is completed without its 4 units of A");
}

TEST_CASE("The audit finds a dead letter that nobody has handled") {
  auto events =
      with("tyto.consumer|notification", tyto::event_parked{8, "order|1", "order|1", "order.completed", "", 3});
  CHECK(audit_of(events) == "notification has not handled 1 dead letters, the first one at position 8");
  events.push_back(fact("tyto.consumer|notification", tyto::event_released{8, false}));
  CHECK(audit_of(events) == "passed");
}

TEST_CASE("The audit finds a read model that differs from the journal") {
  auto changed = sound_read_model();
  changed.orders[1].second.reason = "out of stock";
  CHECK(audit_of(sound_journal(), changed) == "the read model has order 2 otherwise than the journal");
  auto fewer = sound_read_model();
  fewer.orders.pop_back();
  CHECK(audit_of(sound_journal(), fewer) == "the read model has 2 orders, the journal has 3");
  auto more = sound_read_model();
  more.orders.push_back({"9", {}});
  CHECK(audit_of(sound_journal(), more) == "the read model has order 9, the journal has not");
  auto sums = sound_read_model();
  ++sums.totals.revenue_cents;
  CHECK(audit_of(sound_journal(), sums) == "the read model's totals differ from the journal's");
}

TEST_CASE("The audit finds events that cannot be read") {
  auto events = sound_journal();
  events[2].event.payload = tyto::to_bytes(std::string{"nonsense"});
  CHECK(audit_of(events).starts_with("position 3 (payment.succeeded): "));
  events[2].event.meta.type = "payment.forgotten";
  CHECK(audit_of(events) == "position 3 (payment.forgotten): the shop has no such event");
}

TEST_CASE("A journal that begins with another program's event is told apart before anything is added to it") {
  const auto of = [](const entry& first) {
    const auto journal = tyto::open_memory().journal;
    auto write = std::make_shared<tyto::stream_write>();
    write->persistence_id = first.stream;
    write->events.push_back(first.event);
    REQUIRE(tyto::append_and_wait(*journal, {{write}, {}}).value().at(0));
    return foreign_event(*journal).value();
  };
  CHECK_FALSE(foreign_event(*tyto::open_memory().journal).value());
  CHECK_FALSE(of(fact("order|1", order_created{})));
  auto foreign = fact("account|alice", order_created{});
  foreign.event.meta.type = "account.money_moved";
  CHECK(of(foreign) == "account.money_moved of account|alice");
}

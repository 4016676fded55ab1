// Events that an upcaster splits into parts of different keys: each part is delivered, parked, skipped and released for
// itself, by consumers of every kind.
#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include "ledger.hpp"
#include "support/catch.hpp"
#include "tyto/upcasting.hpp"

using namespace tyto;
using namespace tyto::test;

namespace {

struct reserved {
  std::string sku;
  std::int64_t units = 0;
};
TYTO_EVENT(reserved, "stock.reserved", sku, units)
struct reserved_list {
  std::vector<std::string> skus;
};
TYTO_EVENT(reserved_list, "stock.reserved_list", skus)

struct reserve {
  std::string sku;
  std::int64_t units = 0;
};
struct reserve_list {
  std::vector<std::string> skus;
};

struct old_stock {
  static constexpr std::string_view category = "stock";
  using command = std::variant<reserve, reserve_list>;
  using event = std::variant<reserved, reserved_list>;
  struct state {};
  static decision<event> decide(const state&, const reserve& c) { return reserved{c.sku, c.units}; }
  static decision<event> decide(const state&, const reserve_list& c) { return reserved_list{c.skus}; }
  static state evolve(state s, const reserved&) { return s; }
  static state evolve(state s, const reserved_list&) { return s; }
};
struct stock {
  static constexpr std::string_view category = "stock";
  using command = std::variant<reserve>;
  using event = std::variant<reserved>;
  struct state {};
  static decision<event> decide(const state&, const reserve& c) { return reserved{c.sku, c.units}; }
  static state evolve(state s, const reserved&) { return s; }
};

// One unit of each.
upcasters splitting() {
  upcasters changes;
  changes.split("stock.reserved_list", 1, [](const document& d) {
    std::vector<upcasted> parts;
    for (const auto& sku : d.get<std::vector<std::string>>("skus").value()) {
      parts.push_back(upcasted::of(reserved{sku, 1}));
    }
    return parts;
  });
  return changes;
}

std::atomic<bool> copes = false;

bool is_hard(const reserved& e) { return e.units == 13 || e.sku == "bad"; }

// Units by stock code; it cannot cope with 13 of one, or with anything bad, unless told to.
template <on_failure Then, std::size_t Partitions = 1>
struct by_sku {
  static constexpr std::string_view name = "by_sku";
  static constexpr failure_policy failures{.retries = 1, .then = Then};
  static constexpr std::size_t partitions = Partitions;
  using table = tyto::table<std::string, std::int64_t>;
  static std::string key(const reserved& e, const metadata&) { return e.sku; }
  static void project(table& rows, const reserved& e, const metadata&) {
    if (is_hard(e) && !copes) throw std::runtime_error("hard");
    rows.update(e.sku, [&](std::int64_t& units) { units += e.units; });
  }
  struct all {};
  static std::map<std::string, std::int64_t> query(const table& rows, const all&) {
    std::map<std::string, std::int64_t> units;
    rows.for_each([&](const std::string& sku, std::int64_t number) { units[sku] = number; });
    return units;
  }
};
using units_of = std::map<std::string, std::int64_t>;

// Prints a receipt for each, in the name of the stock code; the id of a bad one is too long to be sent.
template <std::size_t Partitions>
struct receipts_by_sku {
  static constexpr std::string_view name = "receipts_by_sku";
  static constexpr failure_policy failures{.retries = 1};
  static constexpr std::size_t partitions = Partitions;
  static std::string key(const reserved& e, const metadata&) { return e.sku; }
  static commands react(const reserved& e, const metadata&) {
    return {send<receipts>(is_hard(e) && !copes ? std::string(500, 'x') : e.sku, print_receipt{e.units})};
  }
};

// Stores what an earlier version of the program has decided.
storage with_past(const std::vector<std::vector<std::string>>& lists, const std::vector<reserve>& before = {}) {
  copes = false;
  auto stores = open_memory();
  runtime rt{stores, quiet()};
  rt.aggregate<old_stock>().start().value();
  for (const auto& each : before) (void)rt.execute<old_stock>("s", each).value();
  for (const auto& each : lists) (void)rt.execute<old_stock>("s", reserve_list{each}).value();
  return stores;
}

std::vector<std::string> letters_of(const runtime& rt, std::string_view consumer) {
  std::vector<std::string> all;
  for (const auto& [event, since] : rt.dead_letters(consumer).value()) {
    all.push_back(std::to_string(event.position) + (event.part ? "." + std::to_string(*event.part) : "") + " " +
                  event.key);
  }
  return all;
}
using letters = std::vector<std::string>;

units_of receipts_in(const storage& stores) {
  units_of units;
  REQUIRE(stores.journal->read_all({}, [&](const event_view& event) {
    if (event.meta.type == stored_name<receipt_printed>) {
      units[std::string{event.meta.entity_id()}] += from_bytes<receipt_printed>(event.payload).value().cents;
    }
    return visit::next;
  }));
  return units;
}

}  // namespace

TEMPLATE_TEST_CASE("Parts of an event that wait behind a dead letter are released once, the others are not repeated",
                   "", (by_sku<on_failure::park>), (by_sku<on_failure::park, 3>)) {
  const auto stores = upcasting(with_past({{"apple", "pear"}, {"pear", "apple"}, {"apple", "pear", "apple"}},  //
                                          {{"apple", 13}}),
                                splitting());
  const letters expected{"1 apple", "2.0 apple", "3.1 apple", "4.0 apple", "4.2 apple"};
  const auto ask = [](runtime& rt) { return rt.query<TestType>(typename TestType::all{}).value(); };
  {
    runtime rt{stores, quiet()};
    rt.aggregate<stock>().template projection<TestType>().start().value();
    rt.settle(long_enough).value();
    CHECK(letters_of(rt, "by_sku") == expected);
    CHECK(ask(rt) == units_of{{"pear", 3}});
  }
  runtime rt{stores, quiet()};
  rt.aggregate<stock>().template projection<TestType>().start().value();
  rt.settle(long_enough).value();
  CHECK(letters_of(rt, "by_sku") == expected);
  SECTION("all are released") {
    copes = true;
    CHECK(rt.replay_dead_letters("by_sku").value() == 5);
    CHECK(ask(rt) == units_of{{"apple", 17}, {"pear", 3}});
  }
  SECTION("one event is given up, with those of its parts that wait") {
    CHECK(rt.discard_dead_letter("by_sku", 4).value() == 2);
    copes = true;
    CHECK(rt.replay_dead_letters("by_sku").value() == 3);
    CHECK(ask(rt) == units_of{{"apple", 15}, {"pear", 3}});
  }
  CHECK(letters_of(rt, "by_sku").empty());
  rt.reset("by_sku").value();
  rt.settle(long_enough).value();
  CHECK(ask(rt) == units_of{{"apple", 17}, {"pear", 3}});
}

TEST_CASE("A part that fails is parked for itself, and the other parts of the event are handled") {
  const auto stores = upcasting(with_past({{"apple", "bad", "pear"}, {"bad", "apple"}}), splitting());
  runtime rt{stores, quiet()};
  rt.aggregate<stock>().projection<by_sku<on_failure::park>>().start().value();
  rt.settle(long_enough).value();
  using asked = by_sku<on_failure::park>;
  CHECK(letters_of(rt, "by_sku") == letters{"1.1 bad", "2.0 bad"});
  CHECK(rt.query<asked>(asked::all{}).value() == units_of{{"apple", 2}, {"pear", 1}});
  copes = true;
  CHECK(rt.replay_dead_letters("by_sku").value() == 2);
  CHECK(rt.query<asked>(asked::all{}).value() == units_of{{"apple", 2}, {"bad", 2}, {"pear", 1}});
}

TEST_CASE("A part that fails is skipped for itself, and the other parts of the event are handled") {
  const auto stores = upcasting(with_past({{"apple", "bad", "pear"}, {"bad", "bad"}}), splitting());
  runtime rt{stores, quiet()};
  rt.aggregate<stock>().projection<by_sku<on_failure::skip>>().start().value();
  rt.settle(long_enough).value();
  using asked = by_sku<on_failure::skip>;
  CHECK(rt.query<asked>(asked::all{}).value() == units_of{{"apple", 1}, {"pear", 1}});
  std::vector<delivery_id> skipped;
  REQUIRE(stores.journal->read_stream("tyto.consumer|by_sku", 1, [&](const event_view& event) {
    const auto what = from_bytes<event_skipped>(event.payload).value();
    skipped.push_back({what.position, what.part});
    return visit::next;
  }));
  CHECK(skipped == std::vector<delivery_id>{{1, 1}, {2, 0}, {2, 1}});
}

TEMPLATE_TEST_CASE("A reaction parks the part whose command fails, and sends that of each part once", "",
                   (receipts_by_sku<1>), (receipts_by_sku<3>)) {
  const auto past = with_past({{"apple", "bad", "pear"}, {"bad", "apple", "pear"}}, {{"apple", 13}});
  const auto stores = upcasting(past, splitting());
  {
    runtime rt{stores, quiet()};
    rt.aggregate<stock>().aggregate<receipts>().template reaction<TestType>().start().value();
    rt.settle(long_enough).value();
    CHECK(letters_of(rt, "receipts_by_sku") == letters{"1 apple", "2.0 apple", "2.1 bad", "3.0 bad", "3.1 apple"});
    CHECK(receipts_in(past)["pear"] == 2);
    CHECK(receipts_in(past)["bad"] == 0);
  }
  copes = true;
  runtime rt{stores, quiet()};
  rt.aggregate<stock>().aggregate<receipts>().template reaction<TestType>().start().value();
  rt.settle(long_enough).value();
  CHECK(rt.replay_dead_letters("receipts_by_sku", "bad").value() == 2);
  CHECK(receipts_in(past)["bad"] == 2);
  CHECK(rt.replay_dead_letters("receipts_by_sku").value() == 3);
  CHECK(receipts_in(past) == units_of{{"apple", 15}, {"bad", 2}, {"pear", 2}});
}

TEST_CASE("A dead letter that could not be brought up to date stands for all parts of what it becomes") {
  const auto past = with_past({{"apple", "pear"}});
  upcasters broken;
  broken.split("stock.reserved_list", 1,
               [](const document&) -> std::vector<upcasted> { throw std::runtime_error("it cannot be split"); });
  using asked = by_sku<on_failure::park>;
  {
    runtime rt{upcasting(past, broken), quiet()};
    rt.aggregate<stock>().projection<asked>().start().value();
    rt.settle(long_enough).value();
    CHECK(letters_of(rt, "by_sku") == letters{"1 stock|s"});
  }
  runtime rt{upcasting(past, splitting()), quiet()};
  rt.aggregate<stock>().projection<asked>().start().value();
  CHECK(rt.replay_dead_letters("by_sku").value() == 1);
  CHECK(rt.query<asked>(asked::all{}).value() == units_of{{"apple", 1}, {"pear", 1}});
}

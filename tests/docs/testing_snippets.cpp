// What docs/testing.md shows besides its complete test, so that it compiles and works: check_readme.py looks for each
// of the page's blocks here.
#include <atomic>
#include <chrono>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <tyto/history.hpp>
#include <tyto/lmdb_store.hpp>
#include <tyto/testing/given.hpp>
#include <tyto/testing/simulation.hpp>
#include <tyto/testing/test_clock.hpp>

#include "order.hpp"
#include "support/catch.hpp"
#include "support/temporary_directory.hpp"

using namespace std::chrono_literals;
using tyto::testing::choices;
using tyto::testing::given;
using tyto::testing::inside;
using tyto::testing::noon;
using tyto::testing::row;
using tyto::testing::simulation;
using tyto::testing::simulation_options;
using tyto::testing::storage_faults;

namespace {

struct charged {
  std::int64_t cents = 0;
};
TYTO_EVENT(charged, "payment.charged", cents)

struct charge {
  std::int64_t cents = 0;
};
TYTO_VALUE(charge, cents)

struct payment {
  static constexpr std::string_view category = "payment";
  using command = std::variant<charge>;
  using event = std::variant<charged>;
  struct state {};
  static tyto::decision<event> decide(const state&, const charge& c) { return charged{c.cents}; }
  static state evolve(state s, const charged&) { return s; }
};

struct billing {
  static constexpr std::string_view name = "billing";
  static tyto::commands react(const order_created& e, const tyto::metadata& m) {
    if (e.total_cents == 0) return {};
    return {tyto::send<payment>(m.entity_id(), charge{e.total_cents})};
  }
  static tyto::commands on_rejected(const tyto::refused_command&, const tyto::metadata& m) {
    return {tyto::send<order>(m.entity_id(), cancel{})};
  }
};

struct revenue {
  static constexpr std::string_view name = "revenue";
  using events = tyto::events<order_created, order_paid>;
  using table = tyto::table<std::string, std::int64_t>;
  static void project(table& rows, const order_created&, const tyto::metadata& m) {
    rows.put(std::string{m.entity_id()}, 0);
  }
  static void project(table& rows, const order_paid& e, const tyto::metadata& m) {
    rows.put(std::string{m.entity_id()}, e.cents);
  }
  struct total {};
  static std::int64_t query(const table& rows, const total&) {
    std::int64_t sum = 0;
    rows.for_each([&sum](const std::string&, std::int64_t cents) { sum += cents; });
    return sum;
  }
};

struct payment_awaited {
  tyto::timestamp until;
};
struct payment_arrived {};
struct payment_missed {};
TYTO_EVENT(payment_awaited, "checkout.payment_awaited", until)
TYTO_EVENT(payment_arrived, "checkout.payment_arrived")
TYTO_EVENT(payment_missed, "checkout.payment_missed")

struct checkout {
  static constexpr std::string_view name = "checkout";
  using inputs = tyto::events<order_created, order_paid>;
  using event = std::variant<payment_awaited, payment_arrived, payment_missed>;
  struct state {
    bool is_over = false;
  };
  static tyto::correlation correlate(const order_created&, const tyto::metadata& m) {
    return tyto::starts(m.entity_id());
  }
  static tyto::correlation correlate(const order_paid&, const tyto::metadata& m) {
    return tyto::continues(m.entity_id());
  }
  static tyto::decision<event> on(const state&, const order_created&, const tyto::metadata& m) {
    return payment_awaited{m.time + 30min};
  }
  static tyto::decision<event> on(const state&, const order_paid&, const tyto::metadata&) { return payment_arrived{}; }
  static tyto::decision<event> on(const state&, const tyto::deadline&) { return payment_missed{}; }
  static state evolve(state s, const payment_awaited&) { return s; }
  static state evolve(state, const payment_arrived&) { return {true}; }
  static state evolve(state, const payment_missed&) { return {true}; }
  static tyto::steps then(const payment_awaited& e, const std::string&) {
    return {tyto::set_deadline{"payment", e.until}};
  }
  static tyto::steps then(const payment_missed&, const std::string& id) { return {tyto::send<order>(id, cancel{})}; }
  static bool is_over(const state& s) { return s.is_over; }
};

constexpr std::string_view failure =
    R"(expected:
! order.paid {"cents":500}
!     cents: 500
actual:
! order.paid {"cents":600}
!     cents: 600
)";

struct customers {  // what the world outside knows; it outlives the program's crashes
  std::set<std::string> placed;
  std::set<std::string> thanked;
};

void place_order(tyto::runtime& rt, customers& outside, choices& draw) {
  const auto id = std::to_string(draw.below(5));
  if (rt.execute<order>(id, create{500}, {.command_id = "create " + id})) outside.placed.insert(id);
}

void pay_order(tyto::runtime& rt, customers& outside, choices& draw) {
  const auto id = std::to_string(draw.below(5));
  if (outside.placed.contains(id)) (void)rt.execute<order>(id, pay{500}, {.command_id = "pay " + id});
}

std::string who_was_thanked_has_paid(const inside& at, const customers& outside) {
  for (const auto& id : outside.thanked) {
    if (tyto::history<order>(*at.stored.journal, id).value().size() < 2) return id + " was thanked for nothing";
  }
  return "";
}

std::string every_order_was_charged_once(const inside& at, const customers& outside) {
  for (const auto& id : outside.placed) {
    const auto charges = tyto::history<payment>(*at.stored.journal, id).value().size();
    if (charges != 1) return "order " + id + " was charged " + std::to_string(charges) + " times";
  }
  return "";
}

simulation<customers> shop(simulation_options options = {}) {
  simulation<customers> world{std::move(options)};
  world
      .program([](tyto::runtime& rt, customers& outside) {
        rt.aggregate<order>().aggregate<payment>().reaction<billing>();
        const auto thank = [&](const order_paid&, const tyto::metadata& m) { outside.thanked.emplace(m.entity_id()); };
        rt.subscribe<order_paid>(thank);
      })
      .action("an order is placed", place_order)
      .action("an order is paid", pay_order)
      .always("who was thanked has paid", who_was_thanked_has_paid)
      .at_rest("every order was charged once", every_order_was_charged_once);
  return world;
}

std::filesystem::path new_directory() {
  static std::atomic<int> made = 0;
  static const tyto::test::temporary_directory parent;
  return parent.path() / std::to_string(++made);
}

}  // namespace

TEST_CASE("A failure shows both sides") {
  const auto created = given<order>(order_created{500});
  CHECK(created.when(pay{600}).then(order_paid{500}).message() + "\n" == failure);
  CHECK(created.when(pay{500}).then_state([](const order::state& s) { return s.is_paid; }));
}

TEST_CASE("Orders are charged, and cancelled if the payment is refused") {
  const auto billed = given<billing>().when(order_created{500}, {.persistence_id = "order|7"});
  CHECK(billed.then(tyto::send<payment>("7", charge{500})));
  const tyto::refused_command refused{"payment|7", "", tyto::reject("the card has expired")};
  CHECK(billed.when(refused).then(tyto::send<order>("7", cancel{})));
  CHECK(given<billing>().when(order_created{0}).then_nothing());
}

TEST_CASE("The revenue is what was paid") {
  const auto two = given<revenue>(order_created{500}, order_paid{500})  // both in the stream test|1
                       .given(order_created{700}, {.persistence_id = "order|2"});
  CHECK(two.then(row("1", 500), row("2", 0)));
  CHECK(two.when(revenue::total{}).then(500));
}

TEST_CASE("An order waits for its payment, but not for ever") {
  const auto waiting = given<checkout>().when(order_created{500});
  CHECK(waiting.then_events(payment_awaited{noon + 30min}));
  CHECK(waiting.then_deadlines(tyto::deadline{"payment", noon + 30min}));
  CHECK(waiting.when_time_passes(29min).then_nothing());
  CHECK(waiting.when_time_passes(30min).then(tyto::send<order>("1", cancel{})));
  CHECK(waiting.when(order_paid{500}).is_over());
}

TEST_CASE("A payment is missed under a clock of the test's") {
  const auto time = std::make_shared<tyto::testing::test_clock>();
  tyto::runtime_options options;
  options.time = time;
  const auto stores = tyto::open_memory();
  tyto::runtime rt{stores, options};
  rt.aggregate<order>().process_manager<checkout>().start().value();
  (void)rt.execute<order>("1", create{500}).value();
  rt.settle(5min).value();  // at most: it returns as soon as nothing follows
  time->advance(30min);
  rt.check_clock();
  rt.settle(5min).value();
  CHECK(stores.journal->info("checkout|1").value().version == 3);  // awaited, the deadline reached, missed
}

TEST_CASE("Orders are charged once, also if the disk fails") {
  const storage_faults often{
      .failing_appends = 20, .failing_commits = 20, .delayed_appends = 4};  // one in 20, one in 4
  CHECK(shop({.faults = often}).explore({.seeds = 100}));
}

TEST_CASE("Orders are charged once wherever the program is killed") { CHECK(shop({.actions = 4}).crash_everywhere()); }

TEST_CASE("Orders are charged once over LMDB") {
  simulation_options options;
  options.storage = [] { return [data = new_directory()] { return tyto::open_lmdb({.path = data}); }; };
  CHECK(shop(options).explore({.seeds = 10}));
}

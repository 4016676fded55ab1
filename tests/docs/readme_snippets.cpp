// What the README shows besides its complete program, so that it compiles and works: check_readme.py looks for each of
// the README's blocks here.
#include <algorithm>
#include <sstream>
#include <thread>
#include <tyto/testing/given.hpp>
#include <tyto/testing/test_clock.hpp>

#include "support/catch.hpp"
#include "support/long_enough.hpp"
#include "support/temporary_directory.hpp"

// The complete program, whose types are used on.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wreturn-type"  // its main() is no main() here
#define main quickstart_main
#include "quickstart/main.cpp"
#undef main
#pragma GCC diagnostic pop

namespace {

using namespace std::chrono_literals;

struct order_created {
  std::int64_t total_cents = 0;
};
struct order_paid {};
struct order_cancelled {};
TYTO_EVENT(order_created, "order.created", total_cents)
TYTO_EVENT(order_paid, "order.paid")
TYTO_EVENT(order_cancelled, "order.cancelled")

struct create {
  std::int64_t total_cents;
};
struct pay {};
struct cancel {};

struct order {
  static constexpr std::string_view category = "order";
  using command = std::variant<create, pay, cancel>;
  using event = std::variant<order_created, order_paid, order_cancelled>;
  struct state {};
  static tyto::decision<event> decide(const state&, const create& c) { return order_created{c.total_cents}; }
  static tyto::decision<event> decide(const state&, const pay&) { return order_paid{}; }
  static tyto::decision<event> decide(const state&, const cancel&) { return order_cancelled{}; }
  template <class E>
  static state evolve(state s, const E&) {
    return s;
  }
};

struct charged {
  std::int64_t cents = 0;
};
TYTO_EVENT(charged, "payment.charged", cents)
struct charge {
  std::int64_t cents;
};

struct payment {
  static constexpr std::string_view category = "payment";
  using command = std::variant<charge>;
  using event = std::variant<charged>;
  struct state {};
  static tyto::decision<event> decide(const state&, const charge& c) {
    if (c.cents > 10'000) return tyto::reject("the card allows 100 euros");
    return charged{c.cents};
  }
  static state evolve(state s, const charged&) { return s; }
};

struct payment_awaited {
  tyto::timestamp until;
};
struct payment_arrived {};
struct payment_missed {};
TYTO_EVENT(payment_awaited, "checkout.payment_awaited", until)
TYTO_EVENT(payment_arrived, "checkout.payment_arrived")
TYTO_EVENT(payment_missed, "checkout.payment_missed")

struct billing {
  static constexpr std::string_view name = "billing";  // the key of its checkpoint
  static tyto::commands react(const order_created& e, const tyto::metadata& m) {
    return {tyto::send<payment>(m.entity_id(), charge{e.total_cents})};
  }
  static tyto::commands on_rejected(const tyto::refused_command&, const tyto::metadata& m) {  // if it wants to know
    return {tyto::send<order>(m.entity_id(), cancel{})};
  }
};

struct checkout {
  static constexpr std::string_view name = "checkout";
  using inputs = tyto::events<order_created, order_paid>;
  using event = std::variant<payment_awaited, payment_arrived, payment_missed>;  // its own
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
  static tyto::steps then(const payment_arrived&, const std::string&) { return {tyto::cancel_deadline{"payment"}}; }
  static tyto::steps then(const payment_missed&, const std::string& id) { return {tyto::send<order>(id, cancel{})}; }

  static bool is_over(const state& s) { return s.is_over; }
};

struct overdrawn {
  std::int64_t missing_cents = 0;
};
TYTO_REJECTION(overdrawn, "purse.overdrawn", missing_cents)

struct coins_put {
  std::int64_t cents = 0;
};
struct coins_taken {
  std::int64_t cents = 0;
};
TYTO_EVENT(coins_put, "purse.coins_put", cents)
TYTO_EVENT(coins_taken, "purse.coins_taken", cents)

struct put {
  std::int64_t cents;
};
struct take {
  std::int64_t cents;
};

struct purse {
  static constexpr std::string_view category = "purse";
  using command = std::variant<put, take>;
  using event = std::variant<coins_put, coins_taken>;
  struct state {
    std::int64_t cents = 0;
  };
  static tyto::decision<event> decide(const state&, const put& c) { return coins_put{c.cents}; }
  static tyto::decision<event> decide(const state& s, const take& c) {
    if (c.cents > s.cents) return tyto::reject(overdrawn{c.cents - s.cents}, "the purse holds too little");
    return coins_taken{c.cents};
  }
  static state evolve(state s, const coins_put& e) { return {s.cents + e.cents}; }
  static state evolve(state s, const coins_taken& e) { return {s.cents - e.cents}; }
};

std::string take_700(tyto::runtime& rt) {
  std::ostringstream out;
  const auto taken = rt.execute<purse>("alice", take{700}, {.command_id = "till/17", .record_rejection = true});
  if (taken) {
    out << taken->get_if<coins_taken>()->cents << " cents are taken\n";
  } else if (const auto* no = taken.error().rejected()) {
    if (const auto refused = no->as<overdrawn>()) out << refused->missing_cents << " cents are missing\n";
  }
  return out.str();
}

std::vector<std::string> types_in(const tyto::event_store& journal) {
  std::vector<std::string> types;
  journal
      .read_all({}, [&](const tyto::event_view& event) { return types.push_back(event.meta.type), tyto::visit::next; })
      .value();
  std::ranges::sort(types);
  return types;
}

}  // namespace

TEST_CASE("Nobody overdraws an account") {
  const auto rich = tyto::testing::given<account>(money_moved{500});
  CHECK(rich.when(withdraw{200}).then(money_moved{-200}));
  CHECK(rich.when(withdraw{600}).then(tyto::reject("the account holds 500 cents")));
}

TEST_CASE("The README's reaction, subscription and process manager work together") {
  const auto stores = tyto::open_memory();
  const auto time = std::make_shared<tyto::testing::test_clock>();
  tyto::runtime_options options;
  options.time = time;
  tyto::runtime rt{stores, options};
  std::ostringstream out;
  rt.aggregate<order>().aggregate<payment>();
  rt.reaction<billing>();
  rt.process_manager<checkout>();
  rt.subscribe<order_paid>([&](const order_paid&, const tyto::metadata& m) { out << m.entity_id() << " is paid\n"; });
  rt.start().value();
  (void)rt.execute<order>("1", create{500}).value();
  (void)rt.execute<order>("2", create{700}).value();
  (void)rt.execute<order>("1", pay{}).value();
  rt.settle(tyto::test::long_enough).value();
  CHECK(out.str() == "1 is paid\n");
  time->advance(30min);
  rt.check_clock();
  while (stores.journal->info("order|2").value().version < 2) std::this_thread::yield();
  rt.settle(tyto::test::long_enough).value();
  CHECK(types_in(*stores.journal) ==
        std::vector<std::string>{"checkout.payment_arrived", "checkout.payment_awaited", "checkout.payment_awaited",
                                 "checkout.payment_missed", "order.cancelled", "order.created", "order.created",
                                 "order.paid", "payment.charged", "payment.charged", "tyto.deadline_reached"});
}

TEST_CASE("The README's caller sees what was refused, again when it repeats the command, and else the events") {
  const auto stores = tyto::open_memory();
  tyto::runtime rt{stores};
  rt.aggregate<purse>().start().value();
  (void)rt.execute<purse>("alice", put{500}).value();
  CHECK(take_700(rt) == "200 cents are missing\n");
  (void)rt.execute<purse>("alice", put{500}).value();
  CHECK(take_700(rt) == "200 cents are missing\n");
  const auto taken = rt.execute<purse>("alice", take{700}, {.command_id = "till/18"}).value();
  CHECK(taken.get_if<coins_taken>()->cents == 700);
  const auto repeated = rt.execute<purse>("alice", take{700}, {.command_id = "till/18"}).value();
  CHECK(repeated.repeated);
  CHECK(repeated.events<purse>().value().size() == 1);
  CHECK(repeated.get_if<coins_taken>()->cents == 700);
}

TEST_CASE("The README's reaction is told of a refused command, and its status counts it") {
  const auto stores = tyto::open_memory();
  tyto::runtime rt{stores};
  rt.aggregate<order>().aggregate<payment>().reaction<billing>().start().value();
  (void)rt.execute<order>("1", create{50'000}).value();
  rt.settle(tyto::test::long_enough).value();
  CHECK(types_in(*stores.journal) ==
        std::vector<std::string>{"order.cancelled", "order.created", "tyto.command_rejected"});
  const auto now = rt.status();
  const auto shown = std::ranges::find(now.consumers, "billing", &tyto::consumer_status::name);
  REQUIRE(shown != now.consumers.end());
  CHECK(shown->refused == 1);
  CHECK(shown->last_refusal.find("the card allows 100 euros") != std::string::npos);
}

TEST_CASE("A subscription ends when the README says so") {
  tyto::runtime rt{tyto::open_memory()};
  std::atomic<int> paid = 0;
  rt.aggregate<order>().start().value();
  auto counting = rt.subscribe<order_paid>([&](const order_paid&, const tyto::metadata&) { ++paid; });
  (void)rt.execute<order>("1", pay{}).value();
  rt.settle(tyto::test::long_enough).value();
  counting.end();
  (void)rt.execute<order>("2", pay{}).value();
  rt.settle(tyto::test::long_enough).value();
  CHECK(paid == 1);
}

TEST_CASE("Another process may read along, as the README shows") {
  const tyto::test::temporary_directory directory;
  const auto path = directory.path() / "accounts";
  const auto written = tyto::open_lmdb({.path = path}).value();
  tyto::runtime rt{written};
  rt.aggregate<account>().start().value();
  (void)rt.execute<account>("alice", deposit{500}).value();
  std::ostringstream out;
  const auto show = [&](const tyto::event_view& event) {
    out << event.meta.position << " " << event.meta.persistence_id << " " << tyto::to_json(event.payload) << "\n";
    return tyto::visit::next;
  };
  const auto stores = tyto::open_lmdb({.path = path, .read_only = true}).value();
  stores.journal->read_all({.only = {{"account.money_moved"}, {}}}, show).value();
  CHECK(out.str() == "1 account|alice {\"cents\":500}\n");
}

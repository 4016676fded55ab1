// Process managers through the runtime: instances, commands, deadlines under a clock of the test's, and restarts.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>

#include "ledger.hpp"
#include "support/catch.hpp"
#include "support/temporary_directory.hpp"
#include "tyto/testing/test_clock.hpp"

using namespace tyto;
using namespace tyto::test;

namespace {

constexpr timestamp first_moment{std::chrono::microseconds{1'700'000'000'000'000}};

struct basket_opened {
  std::int64_t cents = 0;
};
struct basket_paid {};
struct basket_cancelled {
  std::string reason;
};
TYTO_EVENT(basket_opened, "basket.opened", cents)
TYTO_EVENT(basket_paid, "basket.paid")
TYTO_EVENT(basket_cancelled, "basket.cancelled", reason)

struct open_basket {
  std::int64_t cents = 0;
};
struct pay {};
struct cancel {
  std::string reason;
};

struct basket {
  static constexpr std::string_view category = "basket";
  using command = std::variant<open_basket, pay, cancel>;
  using event = std::variant<basket_opened, basket_paid, basket_cancelled>;
  struct state {
    int cancellations = 0;
  };
  static decision<event> decide(const state&, const open_basket& c) { return basket_opened{c.cents}; }
  static decision<event> decide(const state&, const pay&) { return basket_paid{}; }
  static decision<event> decide(const state&, const cancel& c) { return basket_cancelled{c.reason}; }
  static state evolve(state s, const basket_opened&) { return s; }
  static state evolve(state s, const basket_paid&) { return s; }
  static state evolve(state s, const basket_cancelled&) { return {s.cancellations + 1}; }
};

struct payment_awaited {
  std::int64_t cents = 0;
  timestamp until;
};
struct payment_arrived {};
struct payment_missed {};
TYTO_EVENT(payment_awaited, "checkout.payment_awaited", cents, until)
TYTO_EVENT(payment_arrived, "checkout.payment_arrived")
TYTO_EVENT(payment_missed, "checkout.payment_missed")

struct checkout {
  static constexpr std::string_view name = "checkout";
  static constexpr failure_policy failures{.retries = 1};
  using inputs = tyto::events<basket_opened, basket_paid>;
  using event = std::variant<payment_awaited, payment_arrived, payment_missed>;
  struct state {
    bool over = false;
  };

  static correlation correlate(const basket_opened& e, const metadata& m) {
    return e.cents == 0 ? ignored() : starts(m.entity_id());
  }
  static inline std::atomic<bool> loses_payments = false;
  static correlation correlate(const basket_paid&, const metadata& m) {
    if (loses_payments) throw std::runtime_error("whose payment is it?");
    return continues(m.entity_id());
  }

  static decision<event> on(const state&, const basket_opened& e, const metadata& m) {
    if (e.cents == -1) throw std::runtime_error("a basket below 0");
    return payment_awaited{e.cents, m.time + std::chrono::minutes{30}};
  }
  static decision<event> on(const state&, const basket_paid&, const metadata&) { return payment_arrived{}; }
  static decision<event> on(const state&, const deadline&) { return payment_missed{}; }

  static state evolve(state s, const payment_awaited&) { return s; }
  static state evolve(state, const payment_arrived&) { return {true}; }
  static state evolve(state, const payment_missed&) { return {true}; }

  static steps then(const payment_awaited& e, const std::string& key) {
    return {send<receipts>(key, print_receipt{e.cents}), set_deadline{"payment", e.until}};
  }
  static steps then(const payment_arrived&, const std::string&) { return {cancel_deadline{"payment"}}; }
  static steps then(const payment_missed&, const std::string& key) { return {send<basket>(key, cancel{"not paid"})}; }

  static bool is_over(const state& s) { return s.over; }
};

// Reminds again and again, under names and at times that come from its key; ends when it is told so.
struct reminding {
  std::int64_t count = 0;
};
struct reminders_ended {};
TYTO_EVENT(reminding, "reminder.reminding", count)
TYTO_EVENT(reminders_ended, "reminder.ended")

struct reminder {
  static constexpr std::string_view name = "reminder";
  static constexpr failure_policy failures{.retries = 0};
  static constexpr snapshot_policy snapshots{.every_events = 4};
  using inputs = tyto::events<basket_opened, basket_cancelled>;
  using event = std::variant<reminding, reminders_ended>;
  struct state {
    std::int64_t count = 0;
    bool over = false;
  };
  static inline std::atomic<bool> rejects = false;

  static correlation correlate(const basket_opened&, const metadata& m) { return starts(m.entity_id()); }
  static correlation correlate(const basket_cancelled&, const metadata& m) { return continues(m.entity_id()); }
  static decision<event> on(const state& s, const basket_opened&, const metadata&) { return reminding{s.count}; }
  static decision<event> on(const state&, const basket_cancelled&, const metadata&) { return reminders_ended{}; }
  static decision<event> on(const state& s, const deadline&) {
    if (rejects) return reject("not today");
    return reminding{s.count};
  }
  static state evolve(state s, const reminding&) { return {s.count + 1, s.over}; }
  static state evolve(state s, const reminders_ended&) { return {s.count, true}; }
  static steps then(const reminding& e, const std::string& key) {
    const std::string whom = key == "long" ? std::string(600, 'x') : key;
    return {set_deadline{"remind " + whom, first_moment + std::chrono::minutes{10} * (e.count + 1)},
            set_deadline{"give up " + whom, first_moment + std::chrono::hours{100}}};
  }
  static bool is_over(const state& s) { return s.over; }
};
TYTO_VALUE(reminder::state, count, over)

using testing::test_clock;

std::shared_ptr<test_clock> started_clock() { return std::make_shared<test_clock>(first_moment); }

struct shop {
  explicit shop(storage opened, std::shared_ptr<test_clock> clock = started_clock())
      : stores(std::move(opened)), time(std::move(clock)), rt(stores, options_of(time)) {
    rt.aggregate<basket>().aggregate<receipts>().process_manager<checkout>().start().value();
  }
  struct with_reminders {};
  shop(storage opened, std::shared_ptr<test_clock> clock, with_reminders)
      : stores(std::move(opened)), time(std::move(clock)), rt(stores, options_of(time)) {
    rt.aggregate<basket>().process_manager<reminder>().start().value();
  }
  static runtime_options options_of(const std::shared_ptr<test_clock>& time) {
    auto options = quiet();
    options.time = time;
    return options;
  }
  // The types of a stream's events, in order.
  [[nodiscard]] std::vector<std::string> stream(std::string_view id) const {
    std::vector<std::string> types;
    REQUIRE(stores.journal->read_stream(id, 1, [&](const event_view& event) {
      types.push_back(event.meta.type);
      return visit::next;
    }));
    return types;
  }
  // Time passes, and what follows from it is done.
  void pass(std::chrono::microseconds time_passed) {
    time->advance(time_passed);
    rt.check_clock();
    rt.settle(long_enough).value();
  }

  storage stores;
  std::shared_ptr<test_clock> time;
  runtime rt;
};

using types = std::vector<std::string>;

struct reminded_shop : shop {
  explicit reminded_shop(storage opened, std::shared_ptr<test_clock> clock = started_clock())
      : shop(std::move(opened), std::move(clock), with_reminders{}) {
    reminder::rejects = false;
  }
  [[nodiscard]] std::uint64_t rows_of_deadlines() const {
    return stores.read_models->snapshot("reminder/deadlines").value()->count().value();
  }
  [[nodiscard]] consumer_status deadlines() const {
    const auto all = rt.status().consumers;
    return *std::ranges::find(all, "reminder/deadlines", &consumer_status::name);
  }
};

}  // namespace

TEST_CASE("An instance begins with its event, sends its commands, and ends") {
  shop s{open_memory()};
  (void)s.rt.execute<basket>("1", open_basket{500}).value();
  s.rt.settle(long_enough).value();
  CHECK(s.stream("checkout|1") == types{"checkout.payment_awaited"});
  CHECK(s.stream("receipts|1") == types{"receipt.printed"});
  (void)s.rt.execute<basket>("1", pay{}).value();
  (void)s.rt.execute<basket>("1", pay{}).value();  // it is over
  s.rt.settle(long_enough).value();
  CHECK(s.stream("checkout|1") == types{"checkout.payment_awaited", "checkout.payment_arrived"});
  s.pass(std::chrono::hours{1});
  CHECK(s.stream("basket|1") == types{"basket.opened", "basket.paid", "basket.paid"});
}

TEST_CASE("Events that continue an instance, or are for none, begin none") {
  shop s{open_memory()};
  (void)s.rt.execute<basket>("1", pay{}).value();
  (void)s.rt.execute<basket>("2", open_basket{0}).value();
  s.rt.settle(long_enough).value();
  CHECK(s.stream("checkout|1").empty());
  CHECK(s.stream("checkout|2").empty());
}

TEST_CASE("A deadline fires as an event once its time has come, and not before") {
  shop s{open_memory()};
  (void)s.rt.execute<basket>("1", open_basket{500}).value();
  s.rt.settle(long_enough).value();
  s.time->advance(std::chrono::minutes{30} - std::chrono::microseconds{1});
  (void)s.rt.execute<basket>("2", open_basket{500}).value();
  s.rt.settle(long_enough).value();
  s.rt.check_clock();
  s.rt.settle(long_enough).value();
  CHECK(s.stream("checkout|1").size() == 1);
  s.time->advance(std::chrono::microseconds{1});
  s.rt.check_clock();
  s.rt.settle(long_enough).value();
  CHECK(s.stream("checkout|1") ==
        types{"checkout.payment_awaited", "tyto.deadline_reached", "checkout.payment_missed"});
  CHECK(s.stream("basket|1") == types{"basket.opened", "basket.cancelled"});
  CHECK(s.stream("basket|2").size() == 1);
}

TEST_CASE("Deadlines survive a restart; one that is overdue fires at the start, once") {
  const temporary_directory directory;
  const auto time = started_clock();
  {
    shop s{open_lmdb({.path = directory.path()}).value(), time};
    for (const auto* id : {"1", "2", "3"}) (void)s.rt.execute<basket>(id, open_basket{500}).value();
    (void)s.rt.execute<basket>("3", pay{}).value();
    s.rt.settle(long_enough).value();
    time->advance(std::chrono::minutes{10});
    (void)s.rt.execute<basket>("4", open_basket{500}).value();
    s.rt.settle(long_enough).value();
  }
  time->advance(std::chrono::minutes{25});
  for (int start = 0; start < 2; ++start) {
    shop s{open_lmdb({.path = directory.path()}).value(), time};
    s.rt.settle(long_enough).value();
    CHECK(s.stream("basket|1") == types{"basket.opened", "basket.cancelled"});
    CHECK(s.stream("basket|2").size() == 2);
    CHECK(s.stream("basket|3") == types{"basket.opened", "basket.paid"});
    CHECK(s.stream("basket|4").size() == 1);
  }
}

TEST_CASE("A runtime stops while its deadlines fire, and those that it has not told fire after the next start") {
  constexpr int baskets = 2'000;
  const auto stores = open_memory();
  const auto time = started_clock();
  {
    shop s{stores, time};
    for (int i = 0; i < baskets; ++i) (void)s.rt.execute<basket>(std::to_string(i), open_basket{500}).value();
    s.rt.settle(long_enough).value();
  }
  time->advance(std::chrono::hours{1});
  for (int start = 0; start < 100; ++start) {
    shop s{stores, time};
    if (start % 2 == 0) s.rt.caught_up(long_enough).value();  // the alarm has heard of them
    s.rt.stop().value();
  }
  shop s{stores, time};
  s.rt.settle(long_enough).value();
  for (int i = 0; i < baskets; ++i) {
    const auto id = "basket|" + std::to_string(i);
    REQUIRE(s.stream(id) == types{"basket.opened", "basket.cancelled"});
  }
}

TEST_CASE("What follows from a deadline belongs to the request that set it, also after a restart") {
  const temporary_directory directory;
  const auto time = started_clock();
  {
    shop s{open_lmdb({.path = directory.path()}).value(), time};
    command_options asked;
    asked.correlation_id = "request 7";
    (void)s.rt.execute<basket>("1", open_basket{500}, asked).value();
    s.rt.settle(long_enough).value();
  }
  time->advance(std::chrono::hours{1});
  shop s{open_lmdb({.path = directory.path()}).value(), time};
  s.rt.settle(long_enough).value();
  std::vector<std::string> correlations;
  for (const auto* id : {"checkout|1", "basket|1"}) {
    REQUIRE(s.stores.journal->read_stream(id, 1, [&](const event_view& event) {
      correlations.push_back(event.meta.correlation_id);
      return visit::next;
    }));
  }
  CHECK(correlations == std::vector<std::string>(5, "request 7"));
}

TEST_CASE("What an instance cannot cope with is parked by its key, and other instances go on") {
  shop s{open_memory()};
  (void)s.rt.execute<basket>("1", open_basket{-1}).value();
  (void)s.rt.execute<basket>("1", pay{}).value();
  (void)s.rt.execute<basket>("2", open_basket{7}).value();
  s.rt.settle(long_enough).value();
  const auto letters = s.rt.dead_letters("checkout").value();
  REQUIRE(letters.size() == 2);
  CHECK(letters[0].event.key == "1");
  CHECK_THAT(letters[0].event.reason, Catch::Contains("a basket below 0"));
  CHECK(s.stream("receipts|2") == types{"receipt.printed"});
}

TEST_CASE("What happened in time is not overtaken by its deadline, however late it is read") {
  constexpr int baskets = 300;
  const auto stores = open_memory();
  const auto time = started_clock();
  {
    runtime rt{stores, shop::options_of(time)};  // without the process manager
    rt.aggregate<basket>().start().value();
    for (int i = 0; i < baskets; ++i) (void)rt.execute<basket>(std::to_string(i), open_basket{500}).value();
    time->advance(std::chrono::minutes{5});
    for (int i = 0; i < baskets; ++i) (void)rt.execute<basket>(std::to_string(i), pay{}).value();
  }
  time->advance(std::chrono::hours{1});
  shop s{stores, time};
  s.rt.settle(long_enough).value();
  for (int i = 0; i < baskets; ++i) {
    REQUIRE(s.stream("basket|" + std::to_string(i)) == types{"basket.opened", "basket.paid"});
    REQUIRE(s.stream("checkout|" + std::to_string(i)) == types{"checkout.payment_awaited", "checkout.payment_arrived"});
  }
}

TEST_CASE("A deadline is held while its process manager is paused, and its input comes first") {
  shop s{open_memory()};
  for (const auto* id : {"1", "2"}) (void)s.rt.execute<basket>(id, open_basket{500}).value();
  s.rt.settle(long_enough).value();
  s.rt.pause("checkout").value();
  (void)s.rt.execute<basket>("1", pay{}).value();
  s.time->advance(std::chrono::hours{1});
  s.rt.check_clock();
  const auto limit = std::chrono::steady_clock::now() + long_enough;
  while (s.rt.health().is_healthy()) {
    REQUIRE(std::chrono::steady_clock::now() < limit);
    std::this_thread::yield();
  }
  CHECK(s.rt.health().problems[0].subject == "deadlines of 'checkout'");
  s.rt.resume("checkout").value();
  s.rt.check_clock();
  s.rt.settle(long_enough).value();
  CHECK(s.stream("basket|1") == types{"basket.opened", "basket.paid"});
  CHECK(s.stream("basket|2") == types{"basket.opened", "basket.cancelled"});
  CHECK(s.rt.health().is_healthy());
}

TEST_CASE("A deadline is held while an input of its instance is parked") {
  shop s{open_memory()};
  (void)s.rt.execute<basket>("1", open_basket{500}).value();
  (void)s.rt.execute<basket>("2", open_basket{500}).value();
  s.rt.settle(long_enough).value();
  (void)s.rt.execute<basket>("1", open_basket{-1}).value();  // is parked
  (void)s.rt.execute<basket>("1", pay{}).value();            // waits behind it
  s.rt.settle(long_enough).value();
  s.pass(std::chrono::hours{1});
  CHECK(s.stream("basket|2") == types{"basket.opened", "basket.cancelled"});
  CHECK(s.stream("checkout|1") == types{"checkout.payment_awaited"});
  CHECK(s.rt.discard_dead_letter("checkout", s.rt.dead_letters("checkout")->at(0).event.position).value() == 1);
  CHECK(s.rt.replay_dead_letters("checkout").value() == 1);
  s.pass({});
  CHECK(s.stream("checkout|1") == types{"checkout.payment_awaited", "checkout.payment_arrived"});
}

TEST_CASE("All deadlines are held while an input is parked of which it cannot be told whose it is") {
  const auto stores = open_memory();
  const auto time = std::make_shared<test_clock>();
  {
    shop s{stores, time};
    for (const auto* id : {"1", "2"}) (void)s.rt.execute<basket>(id, open_basket{500}).value();
    s.rt.settle(long_enough).value();
    s.rt.pause("checkout").value();
    (void)s.rt.execute<basket>("1", pay{}).value();
  }
  const auto check_that_all_are_held = [](const shop& s) {
    CHECK(s.rt.dead_letters("checkout").value().at(0).event.key == "basket|1");
    for (const auto* id : {"checkout|1", "checkout|2"}) CHECK(s.stream(id) == types{"checkout.payment_awaited"});
    const auto problems = s.rt.health().problems;
    CHECK(std::ranges::count(problems, "deadlines of 'checkout'", &health_problem::subject) == 1);
  };
  const bool can_be_read = GENERATE(false, true);
  upcasters broken;
  if (!can_be_read) {
    broken.upcast("basket.paid", 1, [](document&) { throw std::runtime_error("the upcaster is broken"); });
  }
  {
    checkout::loses_payments = can_be_read;
    shop s{upcasting(stores, broken), time};
    s.rt.settle(long_enough).value();
    s.pass(std::chrono::hours{1});
    check_that_all_are_held(s);
  }
  checkout::loses_payments = false;
  shop s{stores, time};
  s.pass({});
  check_that_all_are_held(s);
  CHECK(s.rt.replay_dead_letters("checkout").value() == 1);
  s.pass({});
  CHECK(s.stream("checkout|1") == types{"checkout.payment_awaited", "checkout.payment_arrived"});
  CHECK(s.stream("basket|2") == types{"basket.opened", "basket.cancelled"});
}

TEST_CASE("A deadline whose name and time come from the key of its instance fires") {
  reminded_shop s{open_memory()};
  (void)s.rt.execute<basket>("7", open_basket{1}).value();
  s.rt.settle(long_enough).value();
  s.pass(std::chrono::minutes{10});
  CHECK(s.stream("reminder|7") == types{"reminder.reminding", "tyto.deadline_reached", "reminder.reminding"});
  s.pass(std::chrono::minutes{9});
  CHECK(s.stream("reminder|7").size() == 3);
  s.pass(std::chrono::minutes{1});
  CHECK(s.stream("reminder|7").size() == 5);
}

TEST_CASE("The deadlines of an instance that is over are gone") {
  const auto stores = open_memory();
  const auto time = started_clock();
  for (int start = 0; start < 2; ++start) {
    reminded_shop s{stores, time};
    if (start == 0) {
      (void)s.rt.execute<basket>("7", open_basket{1}).value();
      s.rt.settle(long_enough).value();
      CHECK(s.rows_of_deadlines() == 2);
      (void)s.rt.execute<basket>("7", cancel{}).value();
    }
    s.rt.settle(long_enough).value();
    CHECK(s.rows_of_deadlines() == 0);
    s.pass(std::chrono::hours{200});
    CHECK(s.stream("reminder|7") == types{"reminder.reminding", "reminder.ended", "tyto.deadlines_dropped"});
  }
}

TEST_CASE("A deadline that its instance rejects is counted, and asked no more") {
  const auto stores = open_memory();
  const auto time = started_clock();
  {
    reminded_shop s{stores, time};
    (void)s.rt.execute<basket>("7", open_basket{1}).value();
    s.rt.settle(long_enough).value();
    reminder::rejects = true;
    s.pass(std::chrono::minutes{10});
    CHECK(s.deadlines().refused == 1);
    CHECK(s.deadlines().last_refusal == "reminder|7: not today");
    CHECK(s.rows_of_deadlines() == 1);
  }
  reminded_shop s{stores, time};
  reminder::rejects = true;
  s.pass(std::chrono::minutes{10});
  CHECK(s.deadlines().refused == 0);
  CHECK(s.stream("reminder|7") == types{"reminder.reminding", "tyto.deadlines_dropped"});
}

TEST_CASE("The deadlines of an instance whose stream was closed or deleted are asked for once in each run") {
  const auto stores = open_memory();
  const auto time = started_clock();
  {
    reminded_shop s{stores, time};
    for (const auto* id : {"7", "8"}) (void)s.rt.execute<basket>(id, open_basket{1}).value();
    s.rt.settle(long_enough).value();
    (void)s.rt.execute(close_stream<process_instance<reminder>>("7")).value();
    (void)s.rt.execute(delete_stream<process_instance<reminder>>("8")).value();
    s.pass(std::chrono::minutes{10});
    CHECK(s.deadlines().refused == 2);
    CHECK(s.rt.health().is_healthy());
  }
  reminded_shop s{stores, time};
  s.pass(std::chrono::minutes{10});
  CHECK(s.deadlines().refused == 2);
  CHECK(s.rt.health().is_healthy());
}

TEST_CASE("A deadline with a name that cannot be stored is its input's failure, and others go on") {
  reminded_shop s{open_memory()};
  (void)s.rt.execute<basket>("long", open_basket{1}).value();
  (void)s.rt.execute<basket>("7", open_basket{1}).value();
  s.rt.settle(long_enough).value();
  const auto letters = s.rt.dead_letters("reminder").value();
  REQUIRE(letters.size() == 1);
  CHECK_THAT(letters[0].event.reason, Catch::Contains("the limit is 255"));
  s.pass(std::chrono::minutes{10});
  CHECK(s.stream("reminder|7").size() == 3);
}

TEST_CASE("An instance that goes on for long recovers from its snapshot, with its deadlines, and can be truncated") {
  const temporary_directory directory;
  const auto time = started_clock();
  const auto open = [&] { return open_lmdb({.path = directory.path()}).value(); };
  {
    reminded_shop s{open(), time};
    (void)s.rt.execute<basket>("7", open_basket{1}).value();
    s.rt.settle(long_enough).value();
    for (int i = 0; i < 5; ++i) s.pass(std::chrono::minutes{10});
    CHECK(s.stream("reminder|7").size() == 11);
    (void)s.rt.execute(truncate_stream<process_instance<reminder>>("7", 10)).value();
  }
  reminded_shop s{open(), time};
  CHECK(s.stream("reminder|7").size() == 2);
  s.pass(std::chrono::minutes{10});
  CHECK(s.stream("reminder|7").size() == 4);
  CHECK(s.rows_of_deadlines() == 2);
}

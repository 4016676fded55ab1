// Process managers through the runtime: instances, commands, deadlines under a clock of the test's, and restarts.
#include <atomic>
#include <chrono>
#include <string>

#include "ledger.hpp"
#include "support/catch.hpp"
#include "support/temporary_directory.hpp"

using namespace tyto;
using namespace tyto::test;

namespace {

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
  static correlation correlate(const basket_paid&, const metadata& m) { return continues(m.entity_id()); }

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

class test_clock final : public clock {
 public:
  [[nodiscard]] timestamp now() const noexcept override { return timestamp{std::chrono::microseconds{now_us_.load()}}; }
  void advance(std::chrono::microseconds by) { now_us_ += by.count(); }

 private:
  std::atomic<std::int64_t> now_us_{1'700'000'000'000'000};
};

struct shop {
  explicit shop(storage opened, std::shared_ptr<test_clock> clock = std::make_shared<test_clock>())
      : stores(std::move(opened)), time(std::move(clock)), rt(stores, options_of(time)) {
    rt.aggregate<basket>().aggregate<receipts>().process_manager<checkout>().start().value();
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
  // Deadlines fire on threads of their own: waits until the stream has so many events.
  void wait_for(std::string_view id, std::uint64_t version) const {
    const auto limit = std::chrono::steady_clock::now() + long_enough;
    while (stores.journal->info(id).value().version < version) {
      REQUIRE(std::chrono::steady_clock::now() < limit);
      std::this_thread::yield();
    }
  }

  storage stores;
  std::shared_ptr<test_clock> time;
  runtime rt;
};

using types = std::vector<std::string>;

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
  s.time->advance(std::chrono::hours{1});
  s.rt.check_clock();
  (void)s.rt.execute<basket>("2", open_basket{1}).value();
  s.rt.settle(long_enough).value();
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
  s.wait_for("basket|1", 2);
  CHECK(s.stream("checkout|1") ==
        types{"checkout.payment_awaited", "tyto.deadline_reached", "checkout.payment_missed"});
  CHECK(s.stream("basket|1") == types{"basket.opened", "basket.cancelled"});
  CHECK(s.stream("basket|2").size() == 1);
}

TEST_CASE("Deadlines survive a restart; one that is overdue fires at the start, once") {
  const temporary_directory directory;
  const auto time = std::make_shared<test_clock>();
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
    s.wait_for("basket|1", 2);
    s.wait_for("basket|2", 2);
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
  const auto time = std::make_shared<test_clock>();
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
  const shop s{stores, time};
  for (int i = 0; i < baskets; ++i) {
    const auto id = "basket|" + std::to_string(i);
    s.wait_for(id, 2);
    REQUIRE(s.stream(id) == types{"basket.opened", "basket.cancelled"});
  }
}

TEST_CASE("What follows from a deadline belongs to the request that set it, also after a restart") {
  const temporary_directory directory;
  const auto time = std::make_shared<test_clock>();
  {
    shop s{open_lmdb({.path = directory.path()}).value(), time};
    command_options asked;
    asked.correlation_id = "request 7";
    (void)s.rt.execute<basket>("1", open_basket{500}, asked).value();
    s.rt.settle(long_enough).value();
  }
  time->advance(std::chrono::hours{1});
  const shop s{open_lmdb({.path = directory.path()}).value(), time};
  s.wait_for("basket|1", 2);
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

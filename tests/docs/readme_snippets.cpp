// What the README shows besides its complete program, so that it compiles and works: check_readme.py looks for each of
// the README's blocks here.
#include <algorithm>
#include <atomic>
#include <sstream>
#include <thread>
#include <tyto/spec.hpp>

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
  static tyto::decision<event> decide(const state&, const charge& c) { return charged{c.cents}; }
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

class test_clock final : public tyto::clock {
 public:
  [[nodiscard]] tyto::timestamp now() const noexcept override { return tyto::timestamp{std::chrono::seconds{now_s_}}; }
  void advance(std::chrono::seconds by) { now_s_ += by.count(); }

 private:
  std::atomic<std::int64_t> now_s_ = 1'700'000'000;
};

std::vector<std::string> types_in(const tyto::event_store& journal) {
  std::vector<std::string> types;
  journal
      .read_all({}, [&](const tyto::event_view& event) { return types.push_back(event.meta.type), tyto::visit::next; })
      .value();
  std::ranges::sort(types);
  return types;
}

}  // namespace

TEST_CASE("nobody overdraws an account") {
  const auto rich = tyto::spec<account>{}.given(money_moved{500});
  CHECK(rich.when(withdraw{200}).then(money_moved{-200}));
  CHECK(rich.when(withdraw{600}).then(tyto::reject("the account holds 500 cents")));
}

TEST_CASE("the README's reaction, subscription and process manager work together") {
  const auto stores = tyto::open_memory();
  const auto time = std::make_shared<test_clock>();
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

TEST_CASE("another process may read along, as the README shows") {
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

#include "tyto/testing/process_scenario.hpp"

#include <chrono>
#include <string>

#include "shop.hpp"
#include "support/catch.hpp"
#include "tyto/testing/given.hpp"

using tyto::deadline;
using tyto::testing::given;
using tyto::testing::noon;
using namespace std::chrono_literals;

namespace {

struct payment_awaited {
  tyto::timestamp until;
};
struct reminded {
  tyto::timestamp at;
};
struct payment_arrived {};
struct payment_missed {};
TYTO_EVENT(payment_awaited, "checkout.payment_awaited", until)
TYTO_EVENT(reminded, "checkout.reminded", at)
TYTO_EVENT(payment_arrived, "checkout.payment_arrived")
TYTO_EVENT(payment_missed, "checkout.payment_missed")

// Waits half an hour for the payment of an order, and reminds of it every ten minutes.
struct checkout {
  static constexpr std::string_view name = "checkout";
  using inputs = tyto::events<shop::order_placed, shop::order_paid>;
  using event = std::variant<payment_awaited, reminded, payment_arrived, payment_missed>;
  struct state {
    int reminders = 0;
    bool is_over = false;
    friend bool operator==(const state&, const state&) = default;
  };

  static tyto::correlation correlate(const shop::order_placed& e, const tyto::metadata& m) {
    return e.customer == "nobody" ? tyto::ignored() : tyto::starts(m.entity_id());
  }
  static tyto::correlation correlate(const shop::order_paid&, const tyto::metadata& m) {
    return tyto::continues(m.entity_id());
  }
  static tyto::decision<event> on(const state&, const shop::order_placed&, const tyto::metadata& m) {
    return {payment_awaited{m.time + 30min}, reminded{m.time + 10min}};
  }
  static tyto::decision<event> on(const state&, const shop::order_paid& e, const tyto::metadata&) {
    if (e.cents == 0) return tyto::reject(shop::too_little{500}, "nothing is paid");
    return payment_arrived{};
  }
  static tyto::decision<event> on(const state& s, const deadline& due) {
    if (due.name == "payment") return payment_missed{};
    if (s.reminders > 1) return tyto::reject("enough");
    return reminded{due.due + 10min};
  }
  static tyto::decision<event> on(const state&, const tyto::refused_command&) { return payment_missed{}; }

  static state evolve(state s, const payment_awaited&) { return s; }
  static state evolve(state s, const reminded&) { return {s.reminders + 1, s.is_over}; }
  static state evolve(state s, const payment_arrived&) { return {s.reminders, true}; }
  static state evolve(state s, const payment_missed&) { return {s.reminders, true}; }

  static tyto::steps then(const payment_awaited& e, const std::string&) {
    return {tyto::set_deadline{"payment", e.until}};
  }
  static tyto::steps then(const reminded& e, const std::string& key) {
    return {tyto::send<shop::order>(key, shop::place{"reminder"}), tyto::set_deadline{"reminder", e.at}};
  }
  static tyto::steps then(const payment_missed&, const std::string& key) {
    return {tyto::send<shop::order>(key, shop::cancel{})};
  }
  static bool is_over(const state& s) { return s.is_over; }
};

// Has an instance for each amount, and sends its commands there.
struct sorter {
  static constexpr std::string_view name = "sorter";
  using inputs = tyto::events<shop::order_placed>;
  using event = std::variant<payment_arrived>;
  struct state {};
  static tyto::correlation correlate(const shop::order_placed& e, const tyto::metadata&) {
    return tyto::starts(e.customer);
  }
  static tyto::decision<event> on(const state&, const shop::order_placed&, const tyto::metadata&) {
    return payment_arrived{};
  }
  static state evolve(state s, const payment_arrived&) { return s; }
  static tyto::steps then(const payment_arrived&, const std::string& key) {
    return {tyto::send<shop::order>(key.substr(1), shop::cancel{})};
  }
};

// Sets a deadline that has run out already, again and again.
struct restless {
  static constexpr std::string_view name = "restless";
  using inputs = tyto::events<shop::order_paid>;
  using event = std::variant<reminded>;
  struct state {};
  static tyto::correlation correlate(const shop::order_paid&, const tyto::metadata&) { return tyto::starts("1"); }
  static tyto::decision<event> on(const state&, const shop::order_paid&, const tyto::metadata& m) {
    return reminded{m.time};
  }
  static tyto::decision<event> on(const state&, const deadline& due) { return reminded{due.due}; }
  static state evolve(state s, const reminded&) { return s; }
  static tyto::steps then(const reminded& e, const std::string&) { return {tyto::set_deadline{"again", e.at}}; }
};

const auto reminder = tyto::send<shop::order>("1", shop::place{"reminder"});
const auto cancellation = tyto::send<shop::order>("1", shop::cancel{});
const auto waiting = given<checkout>(shop::order_placed{"ann", {}});

}  // namespace

TEST_CASE("A process manager's commands, events and deadlines are compared with those that are expected") {
  const auto begun = given<checkout>().when(shop::order_placed{"ann", {}});
  CHECK(begun.then(reminder));
  CHECK(begun.then_events(payment_awaited{noon + 30min}, reminded{noon + 10min}));
  CHECK(begun.then_deadlines(deadline{"payment", noon + 30min}, deadline{"reminder", noon + 10min}));
  CHECK(begun.then_state({1, false}));
  CHECK(begun.then_state([](const auto& s) { return s.reminders == 1; }));
  CHECK_FALSE(begun.is_over());
  CHECK(begun.commands().size() == 1);
  CHECK(begun.events().size() == 2);
  CHECK_FALSE(begun.then(cancellation));
  CHECK_FALSE(begun.then_events(payment_awaited{noon + 30min}));
  CHECK_FALSE(begun.then_deadlines(deadline{"payment", noon + 30min}));
  CHECK_FALSE(begun.then_no_deadlines());
  CHECK_FALSE(begun.then_nothing());
  CHECK_FALSE(begun.then_state({2, false}));
}

TEST_CASE("An input goes on from the history, be it of inputs or of the process manager's own events") {
  const auto own = given<checkout>(payment_awaited{noon + 5min});
  CHECK(own.then_deadlines(deadline{"payment", noon + 5min}));
  CHECK(own.when(shop::order_paid{500}).then_events(payment_arrived{}));
  const auto paid = waiting.when(shop::order_paid{500});
  CHECK(paid.then_events(payment_arrived{}));
  CHECK(paid.then_no_deadlines());  // it is over
  CHECK(paid.is_over());
  CHECK(paid.when(shop::order_paid{500}).then_nothing());
}

TEST_CASE("Events that begin no instance, or are for none, lead to nothing") {
  CHECK(given<checkout>().when(shop::order_paid{500}).then_nothing());
  CHECK(given<checkout>().when(shop::order_placed{"nobody", {}}).then_nothing());
}

TEST_CASE("A deadline runs out when the test names it, at its time") {
  const auto missed = waiting.when_deadline("payment");
  CHECK(missed.then(cancellation));
  CHECK(missed.then_events(payment_missed{}));
  CHECK(missed.now() == noon + 30min);
  CHECK(missed.then_no_deadlines());
  CHECK(waiting.at(noon + 2h).when_deadline("payment").now() == noon + 2h);
}

TEST_CASE("A deadline that is not set is a failure that names it") {
  CHECK(waiting.when_deadline("delivery").then_nothing().message() ==
        "no deadline 'delivery' is set in the instance '1'");
}

TEST_CASE("As time passes deadlines run out in their order, also those that others have set") {
  CHECK(waiting.when_time_passes(9min).then_nothing());
  CHECK(waiting.when_time_passes(10min).then(reminder));
  CHECK(waiting.when_time_passes(9min).when_time_passes(1min).then_deadlines(deadline{"payment", noon + 30min},
                                                                             deadline{"reminder", noon + 20min}));
  const auto later = waiting.when_time_passes(1h);
  CHECK(later.then_rejected());  // the second reminder, whose deadline is dropped
  CHECK(later.is_over());
  CHECK(later.now() == noon + 1h);
  CHECK(later.events().size() == 2);
}

TEST_CASE("Each instance has its own state and deadlines") {
  const auto two = waiting.given(shop::order_placed{"bob", {}}, {.persistence_id = "order|2", .time = noon + 1min});
  CHECK(two.then_deadlines(deadline{"payment", noon + 31min}, deadline{"reminder", noon + 11min}));
  CHECK(two.when_deadline("payment").then(tyto::send<shop::order>("2", shop::cancel{})));
  CHECK(two.when_time_passes(10min).then(reminder, tyto::send<shop::order>("2", shop::place{"reminder"})));
  const auto own = two.given(payment_arrived{}, {.persistence_id = "checkout|3"});
  CHECK(own.is_over());
  CHECK(own.when(shop::order_paid{5}, {.persistence_id = "order|3"}).then_nothing());
}

TEST_CASE("A process manager's rejection is expected by its code, or whatever it is") {
  const auto refused = waiting.when(shop::order_paid{0});
  CHECK(refused.then_rejected());
  CHECK(refused.then_rejected("order.too_little"));
  CHECK_FALSE(refused.then_rejected("order.other"));
  CHECK(refused.then_nothing().message() ==
        R"(expected:
  nothing
actual:
! rejected: nothing is paid {"code":"order.too_little","refusal":{"missing_cents":500}})");
}

TEST_CASE("An instance is told of a refused command of its own") {
  CHECK(waiting.when(tyto::refused_command{"order|1", "", tyto::reject("no")}).then(cancellation));
}

TEST_CASE("A difference of deadlines shows when they run out") {
  CHECK(given<checkout>(payment_awaited{noon}).then_deadlines(deadline{"payment", noon + 1min}).message() ==
        R"(expected:
! deadline payment {"due":"2000-01-01T12:01:00.000000Z"}
!     due: "2000-01-01T12:01:00.000000Z"
actual:
! deadline payment {"due":"2000-01-01T12:00:00.000000Z"}
!     due: "2000-01-01T12:00:00.000000Z")");
}

TEST_CASE("Deadlines that never come to an end are a failure, of which the beginning is shown") {
  const auto endless = given<restless>(shop::order_paid{}).when_time_passes(1min);
  CHECK(endless.then_no_deadlines().message().starts_with(
      "deadlines run out again and again, while the clock stands still\n"));
  const auto events = endless.then_nothing().message();
  CHECK(events.size() < 3'000);
  CHECK(events.ends_with("\n! ... 9980 more"));
  CHECK(endless.then_events(reminded{noon}).message().size() < 3'000);
}

TEST_CASE("A process manager's commands and instances must be such that a runtime takes them") {
  const auto sent = [](const std::string& customer) { return given<sorter>().when(shop::order_placed{customer, {}}); };
  CHECK(sent("ab").then(tyto::send<shop::order>("b", shop::cancel{})));
  CHECK_FALSE(sent("a").then(tyto::send<shop::order>("", shop::cancel{})));
  CHECK(sent(std::string("a\0", 2))
            .then_nothing()
            .message()
            .starts_with("there is no stream 'sorter|a\\x00': it holds a NUL byte\n"));
  CHECK(given<checkout>()
            .given(payment_awaited{noon}, {.persistence_id = "order|1"})
            .then_deadlines(deadline{"payment", noon})
            .message() == "'order|1' is no stream of checkout");
  CHECK_FALSE(waiting.when(tyto::refused_command{"order", "", tyto::reject("no")}).then(cancellation));
}

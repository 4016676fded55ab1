#include "domain/fulfilment.hpp"

#include <string>
#include <tyto/codec.hpp>
#include <utility>
#include <variant>

#include "support/catch.hpp"

namespace {

using namespace shop;

const std::vector<item> items{{"A", 5}, {"B", 1}};
const tyto::timestamp noon{std::chrono::hours{12}};

// An instance with a history. What it decides and what follows from that is told in words: the stored name and the
// fields of each event, then the commands and deadlines.
class instance {
 public:
  template <class... Events>
  [[nodiscard]] instance given(const Events&... history) const {
    instance longer = *this;
    ((longer.state_ = fulfilment::evolve(longer.state_, history)), ...);
    return longer;
  }
  template <class Input>
  [[nodiscard]] std::string when(const Input& input, const std::string& stream) const {
    tyto::metadata meta;
    meta.persistence_id = stream;
    meta.time = noon;
    return told(fulfilment::on(state_, input, meta));
  }
  [[nodiscard]] std::string when(const tyto::deadline& due) const { return told(fulfilment::on(state_, due)); }
  [[nodiscard]] bool is_over() const { return fulfilment::is_over(state_); }

 private:
  static std::string told(tyto::decision<fulfilment::event> decided) {
    std::string text;
    for (const auto& event : std::move(decided).events()) {
      std::visit(
          [&text]<class E>(const E& e) {
            text += std::string{tyto::stored_name<E>} + " " + tyto::to_json(tyto::to_bytes(e)) + "\n";
            if constexpr (requires { fulfilment::then(e, {}); }) {
              for (const auto& step : fulfilment::then(e, "1")) text += told(step);
            }
          },
          event);
    }
    return text;
  }

  static std::string told(const tyto::step& step) {
    if (const auto* set = std::get_if<tyto::set_deadline>(&step)) return "  wait for " + set->name + "\n";
    if (const auto* off = std::get_if<tyto::cancel_deadline>(&step)) return "  wait no longer for " + off->name + "\n";
    const auto& sent = std::get<tyto::outgoing_command>(step);
    std::string command;
    if (sent.target == &tyto::definition_of<order>())
      command = told(*static_cast<const order::command*>(sent.command.get()));
    if (sent.target == &tyto::definition_of<stock>())
      command = told(*static_cast<const stock::command*>(sent.command.get()));
    if (sent.target == &tyto::definition_of<payment>()) command = "refund payment";
    return "  " + command + " " + sent.entity_id + "\n";
  }
  static std::string told(const order::command& command) {
    const auto* cancel = std::get_if<order::cancel>(&command);
    return cancel ? "cancel (" + cancel->reason + ") order" : "complete order";
  }
  static std::string told(const stock::command& command) {
    const auto* reserve = std::get_if<stock::reserve>(&command);
    return reserve ? "reserve " + std::to_string(reserve->units) + " for " + reserve->order_id + " of" : "release of";
  }

  fulfilment::state state_;
};

const auto unpaid = instance{}.given(payment_awaited{items, noon + payment_timeout});
const auto paid = unpaid.given(payment_arrived{items});

}  // namespace

TEST_CASE("A fulfilment waits for the payment, but not for ever") {
  const order_created created{"c", "", "", {{"A", "", 2, 150}, {"B", "", 1, 300}, {"A", "", 3, 100}}, 900};
  CHECK(instance{}.when(created, "order|1") ==
        R"(fulfilment.payment_awaited {"items":[{"stock_code":"A","units":5},{"stock_code":"B","units":1}],)"
        R"("until":44100000000})"
        "\n  wait for payment\n");
  CHECK(unpaid.when(tyto::deadline{"payment", {}}) ==
        "fulfilment.payment_missed {}\n  cancel (payment timed out) order 1\n");
}

TEST_CASE("A payment in time has the goods reserved, units per stock code") {
  CHECK(unpaid.when(payment_succeeded{900}, "payment|1") ==
        R"(fulfilment.payment_arrived {"items":[{"stock_code":"A","units":5},{"stock_code":"B","units":1}]})"
        "\n  wait no longer for payment\n  reserve 5 for 1 of A\n  reserve 1 for 1 of B\n");
  CHECK(paid.when(tyto::deadline{"payment", {}}).empty());
}

TEST_CASE("A declined payment cancels the order") {
  CHECK(unpaid.when(payment_declined{900}, "payment|1") ==
        "fulfilment.payment_refused {}\n  wait no longer for payment\n  cancel (payment declined) order 1\n");
  CHECK(unpaid.given(payment_refused{}).is_over());
}

TEST_CASE("A payment that comes after the order was given up is refunded") {
  const auto given_up = unpaid.given(payment_missed{});
  CHECK_FALSE(given_up.is_over());
  CHECK(given_up.when(payment_succeeded{900}, "payment|1") == "fulfilment.payment_came_late {}\n  refund payment 1\n");
  CHECK(given_up.when(payment_declined{900}, "payment|1").empty());
  CHECK(given_up.given(payment_came_late{}).is_over());
}

TEST_CASE("The order completes once every stock code has answered") {
  CHECK(paid.when(stock_reserved{"1", 1}, "stock|B") == "fulfilment.line_reserved {\"stock_code\":\"B\"}\n");
  CHECK(paid.given(line_reserved{"B"}).when(stock_reserved{"1", 5}, "stock|A") ==
        "fulfilment.line_reserved {\"stock_code\":\"A\"}\n"
        R"(inventory.reserved {"items":[{"stock_code":"A","units":5},{"stock_code":"B","units":1}]})"
        "\n  complete order 1\n");
}

TEST_CASE("An order that lacks a stock code releases the others, gets its money back and is cancelled") {
  CHECK(paid.given(line_short{"B"}).when(stock_reserved{"1", 5}, "stock|A") ==
        "fulfilment.line_reserved {\"stock_code\":\"A\"}\n"
        R"(inventory.short {"missing":["B"],"to_release":[{"stock_code":"A","units":5}]})"
        "\n  release of A\n  refund payment 1\n  cancel (out of stock) order 1\n");
  CHECK(paid.given(line_short{"B"}).when(stock_short{"1", 5, 0}, "stock|A") ==
        "fulfilment.line_short {\"stock_code\":\"A\"}\n"
        R"(inventory.short {"missing":["A","B"],"to_release":[]})"
        "\n  refund payment 1\n  cancel (out of stock) order 1\n");
}

TEST_CASE("An answer that comes again changes nothing") {
  CHECK(paid.when(payment_succeeded{900}, "payment|1").empty());
  CHECK(paid.given(line_short{"B"}).when(stock_reserved{"1", 1}, "stock|B").empty());
  CHECK(unpaid.when(stock_reserved{"1", 1}, "stock|B").empty());
}

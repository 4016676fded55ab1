// The aggregate `payment`: the money of one order or one return, under the same number. Whether a charge is approved
// was found out before, by whoever sends the command; here it becomes a fact.
#pragma once

#include <cstdint>
#include <string_view>
#include <tyto/decision.hpp>
#include <tyto/event.hpp>
#include <variant>

namespace shop {

struct payment_succeeded {
  std::int64_t amount_cents = 0;
};
struct payment_declined {
  std::int64_t amount_cents = 0;
};
struct payment_refunded {
  std::int64_t amount_cents = 0;
};
struct return_refunded {
  std::int64_t amount_cents = 0;
};
TYTO_EVENT(payment_succeeded, "payment.succeeded", amount_cents)
TYTO_EVENT(payment_declined, "payment.declined", amount_cents)
TYTO_EVENT(payment_refunded, "payment.refunded", amount_cents)
TYTO_EVENT(return_refunded, "payment.return_refunded", amount_cents)

struct payment {
  static constexpr std::string_view category = "payment";

  struct charge {
    std::int64_t amount_cents = 0;
    bool approved = false;
  };
  struct refund {};  // of the whole charge
  struct refund_return {
    std::int64_t amount_cents = 0;
  };

  using command = std::variant<charge, refund, refund_return>;
  using event = std::variant<payment_succeeded, payment_declined, payment_refunded, return_refunded>;

  enum class phase {
    unknown,   // next: charged, declined, refunded (a return has no charge of its own)
    charged,   // next: refunded
    declined,  // the end
    refunded,  // the end
  };
  struct state {
    phase at = phase::unknown;
    std::int64_t charged_cents = 0;
  };

  static tyto::decision<event> decide(const state& now, const charge& c) {
    if (now.at != phase::unknown) return tyto::nothing;
    if (c.amount_cents < 1) return tyto::reject("there is nothing to charge");
    if (!c.approved) return payment_declined{c.amount_cents};
    return payment_succeeded{c.amount_cents};
  }
  static tyto::decision<event> decide(const state& now, const refund&) {
    if (now.at == phase::refunded) return tyto::nothing;
    if (now.at != phase::charged) return tyto::reject("nothing was charged");
    return payment_refunded{now.charged_cents};
  }
  static tyto::decision<event> decide(const state& now, const refund_return& c) {
    if (now.at == phase::refunded) return tyto::nothing;
    if (now.at != phase::unknown) return tyto::reject("this is the payment of an order");
    return return_refunded{c.amount_cents};
  }

  static state evolve(state, const payment_succeeded& e) { return {phase::charged, e.amount_cents}; }
  static state evolve(state, const payment_declined&) { return {phase::declined, 0}; }
  static state evolve(state now, const payment_refunded&) { return {phase::refunded, now.charged_cents}; }
  static state evolve(state, const return_refunded&) { return {phase::refunded, 0}; }
};

TYTO_VALUE(payment::charge, amount_cents, approved)
TYTO_VALUE(payment::refund_return, amount_cents)

}  // namespace shop

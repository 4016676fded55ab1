// The aggregate `order`: from its creation to the one outcome that every order has. What happens in between, payment
// and reservation, is the business of the process manager `fulfilment`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tyto/decision.hpp>
#include <tyto/event.hpp>
#include <utility>
#include <variant>
#include <vector>

#include "domain/lines.hpp"

namespace shop {

inline constexpr std::string_view payment_was_declined = "payment declined";
inline constexpr std::string_view payment_timed_out = "payment timed out";
inline constexpr std::string_view out_of_stock = "out of stock";

struct order_created {
  std::string customer;
  std::string country;
  std::string ordered_at;
  std::vector<order_line> lines;
  std::int64_t total_cents = 0;
};
struct order_completed {
  std::string customer;
  std::int64_t total_cents = 0;
  std::int64_t units = 0;
};
struct order_cancelled {
  std::string customer;
  std::string reason;
};
TYTO_EVENT(order_created, "order.created", customer, country, ordered_at, lines, total_cents)
TYTO_EVENT(order_completed, "order.completed", customer, total_cents, units)
TYTO_EVENT(order_cancelled, "order.cancelled", customer, reason)

struct order {
  static constexpr std::string_view category = "order";

  struct create {
    std::string customer;
    std::string country;
    std::string ordered_at;
    std::vector<invoice_line> lines;
  };
  struct complete {};
  struct cancel {
    std::string reason;
  };

  using command = std::variant<create, complete, cancel>;
  using event = std::variant<order_created, order_completed, order_cancelled>;

  enum class phase {
    unknown,    // next: placed
    placed,     // next: completed, cancelled
    completed,  // the end
    cancelled,  // the end
  };

  struct state {
    phase at = phase::unknown;
    std::string customer;
    std::int64_t total_cents = 0;
    std::int64_t units = 0;
  };

  static tyto::decision<event> decide(const state& now, const create& c) {
    if (now.at != phase::unknown) return tyto::reject("the order exists already");
    auto accepted = accept_lines(c.lines, goods::out);
    if (!accepted) return accepted.error();
    return order_created{c.customer, c.country, c.ordered_at, std::move(accepted->lines), accepted->total_cents};
  }

  static tyto::decision<event> decide(const state& now, const complete&) {
    if (now.at == phase::unknown) return no_such_order();
    if (now.at == phase::completed) return tyto::nothing;
    if (now.at == phase::cancelled) return tyto::reject("the order is cancelled");
    return order_completed{now.customer, now.total_cents, now.units};
  }

  static tyto::decision<event> decide(const state& now, const cancel& c) {
    if (now.at == phase::unknown) return no_such_order();
    if (now.at == phase::cancelled) return tyto::nothing;
    if (now.at == phase::completed) return tyto::reject("the order can no longer be cancelled");
    return order_cancelled{now.customer, c.reason};
  }

  static state evolve(const state&, const order_created& e) {
    state placed{phase::placed, e.customer, e.total_cents, 0};
    for (const auto& line : e.lines) placed.units += line.quantity;
    return placed;
  }
  // An order that has ended may stay in memory for long, so it keeps only what it needs to say so.
  static state evolve(const state&, const order_completed&) { return {phase::completed, {}, 0, 0}; }
  static state evolve(const state&, const order_cancelled&) { return {phase::cancelled, {}, 0, 0}; }

 private:
  static tyto::rejection no_such_order() { return tyto::reject("there is no such order"); }
};

TYTO_VALUE(order::cancel, reason)

}  // namespace shop

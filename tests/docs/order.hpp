// The domain that docs/testing.md tests.
#pragma once

#include <cstdint>
#include <tyto/tyto.hpp>
#include <variant>

struct order_created {
  std::int64_t total_cents = 0;
};
struct order_paid {
  std::int64_t cents = 0;
};
TYTO_EVENT(order_created, "order.created", total_cents)
TYTO_EVENT(order_paid, "order.paid", cents)

struct too_little {
  std::int64_t missing_cents = 0;
};
TYTO_REJECTION(too_little, "order.too_little", missing_cents)

struct create {
  std::int64_t total_cents;
};
struct pay {
  std::int64_t cents;
};
struct cancel {};

struct order {
  static constexpr std::string_view category = "order";
  using command = std::variant<create, pay, cancel>;
  using event = std::variant<order_created, order_paid>;
  struct state {
    std::int64_t total_cents = 0;
    bool is_paid = false;
  };

  static tyto::decision<event> decide(const state&, const create& c) { return order_created{c.total_cents}; }
  static tyto::decision<event> decide(const state& s, const pay& c) {
    if (s.is_paid) return tyto::nothing;
    if (c.cents < s.total_cents) return tyto::reject(too_little{s.total_cents - c.cents}, "that is not enough");
    return order_paid{c.cents};
  }
  static tyto::decision<event> decide(const state&, const cancel&) { return tyto::nothing; }

  static state evolve(state, const order_created& e) { return {e.total_cents, false}; }
  static state evolve(state s, const order_paid&) { return {s.total_cents, true}; }
};

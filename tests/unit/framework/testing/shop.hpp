// The domain that the tests of scenarios share: one of each role.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <variant>

#include "tyto/aggregate.hpp"
#include "tyto/consumer.hpp"
#include "tyto/process_manager.hpp"

namespace shop {

using namespace std::chrono_literals;

struct line {
  std::string article;
  std::int64_t units = 0;
};
TYTO_VALUE(line, article, units)

struct order_placed {
  std::string customer;
  std::vector<line> lines;
};
struct order_paid {
  std::int64_t cents = 0;
};
TYTO_EVENT(order_placed, "order.placed", customer, lines)
TYTO_EVENT(order_paid, "order.paid", cents)

struct too_little {
  std::int64_t missing_cents = 0;
};
TYTO_REJECTION(too_little, "order.too_little", missing_cents)

struct place {
  std::string customer;
};
struct pay {
  std::int64_t cents = 0;
};
struct cancel {};
TYTO_VALUE(place, customer)
TYTO_VALUE(pay, cents)

struct order {
  static constexpr std::string_view category = "order";
  using command = std::variant<place, pay, cancel>;
  using event = std::variant<order_placed, order_paid>;
  struct state {
    std::string customer;
    bool is_paid = false;
  };
  static tyto::decision<event> decide(const state& s, const place& c) {
    if (!s.customer.empty()) return tyto::reject("the order exists");
    return order_placed{c.customer, {{"tea", 2}}};
  }
  static tyto::decision<event> decide(const state&, const pay& c) {
    if (c.cents < 500) return tyto::reject(too_little{500 - c.cents}, "the tea costs 5 euros");
    return order_paid{c.cents};
  }
  static tyto::decision<event> decide(const state&, const cancel&) { return tyto::nothing; }
  static state evolve(state s, const order_placed& e) { return {e.customer, s.is_paid}; }
  static state evolve(state s, const order_paid&) { return {s.customer, true}; }
};
TYTO_VALUE(order::state, customer, is_paid)

// Commands in every form that can be compared, and in one that cannot.
struct weighed {
  int grams = 0;
  friend bool operator==(const weighed&, const weighed&) = default;
};
struct opaque {
  int secret = 0;
};
struct parcel_sent {};
TYTO_EVENT(parcel_sent, "parcel.sent")
struct parcel {
  static constexpr std::string_view category = "parcel";
  using command = std::variant<weighed, opaque>;
  using event = std::variant<parcel_sent>;
  struct state {};
  static tyto::decision<event> decide(const state&, const weighed&) { return parcel_sent{}; }
  static tyto::decision<event> decide(const state&, const opaque&) { return parcel_sent{}; }
  static state evolve(state s, const parcel_sent&) { return s; }
};

}  // namespace shop

// The domain that the framework's tests share: an order as its author would write it, with commands that fail in every
// way that there is.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <variant>

#include "tyto/aggregate.hpp"
#include "tyto/event.hpp"

struct order_created {
  std::string customer;
};
struct order_completed {
  static constexpr std::uint32_t schema_version = 3;
  std::int64_t total_cents = 0;
};
struct order_spoiled {};  // evolve throws
TYTO_EVENT(order_created, "order.created", customer)
TYTO_EVENT(order_completed, "order.completed", total_cents)
TYTO_EVENT(order_spoiled, "order.spoiled")

struct create {
  std::string customer;
};
struct create_completed {
  std::string customer;
  std::int64_t total_cents = 0;
};
struct complete {
  std::int64_t total_cents = 0;
};
struct cancel {};      // changes nothing
struct break_decide {  // decide throws
  bool something_odd = false;
};
struct break_evolve {};

struct order {
  static constexpr std::string_view category = "order";
  using command = std::variant<create, create_completed, complete, cancel, break_decide, break_evolve>;
  using event = std::variant<order_created, order_completed, order_spoiled>;
  struct state {
    std::string customer;
    bool completed = false;
  };

  static tyto::decision<event> decide(const state& s, const create& c) {
    if (!s.customer.empty()) return tyto::reject("the order exists");
    return order_created{c.customer};
  }
  static tyto::decision<event> decide(const state&, const create_completed& c) {
    return {order_created{c.customer}, order_completed{c.total_cents}};
  }
  static tyto::decision<event> decide(const state& s, const complete& c) {
    if (s.customer.empty()) return tyto::reject("there is no order");
    if (s.completed) return tyto::nothing;
    return order_completed{c.total_cents};
  }
  static tyto::decision<event> decide(const state&, const cancel&) { return tyto::nothing; }
  static tyto::decision<event> decide(const state&, const break_decide& c) {
    if (c.something_odd) throw 42;
    throw std::runtime_error("decide is broken");
  }
  static tyto::decision<event> decide(const state&, const break_evolve&) { return order_spoiled{}; }

  static state evolve(state s, const order_created& e) {
    s.customer = e.customer;
    return s;
  }
  static state evolve(state s, const order_completed&) {
    s.completed = true;
    return s;
  }
  static state evolve(state, const order_spoiled&) { throw std::runtime_error("evolve is broken"); }
};

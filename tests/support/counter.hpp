// The smallest domain that the runtime's tests need: counters that go up, refuse, do nothing, and misbehave on demand.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>

#include "tyto/aggregate.hpp"
#include "tyto/consumer.hpp"

namespace tyto::test {

struct counted {
  std::int64_t by = 0;
};
struct reset {};
TYTO_EVENT(counted, "counter.counted", by)
TYTO_EVENT(reset, "counter.reset")

struct count {
  std::int64_t by = 1;
};
struct count_twice {};
struct count_if_zero {};
struct do_nothing {};
struct throw_in_decide {};
struct throw_in_evolve {};

struct counter {
  static constexpr std::string_view category = "counter";
  using command = std::variant<count, count_twice, count_if_zero, do_nothing, throw_in_decide, throw_in_evolve>;
  using event = std::variant<counted, reset>;
  struct state {
    std::int64_t total = 0;
  };

  static constexpr std::int64_t poison = -666;

  static decision<event> decide(const state&, const count& c) { return counted{c.by}; }
  static decision<event> decide(const state&, const count_twice&) { return {counted{1}, counted{1}}; }
  static decision<event> decide(const state& s, const count_if_zero&) {
    if (s.total != 0) return reject("the counter is at " + std::to_string(s.total));
    return counted{1};
  }
  static decision<event> decide(const state&, const do_nothing&) { return nothing; }
  static decision<event> decide(const state&, const throw_in_decide&) { throw std::runtime_error("decide threw"); }
  static decision<event> decide(const state&, const throw_in_evolve&) { return counted{poison}; }

  static state evolve(state s, const counted& e) {
    if (e.by == poison) throw std::runtime_error("evolve threw");
    s.total += e.by;
    return s;
  }
  static state evolve(state, const reset&) { return {}; }
};

}  // namespace tyto::test

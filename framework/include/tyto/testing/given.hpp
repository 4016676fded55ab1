// Given, when, then: tests of a domain without a runtime, a store or a certain test framework.
//     CHECK(given<order>(order_created{500}).when(pay{}).then(order_paid{}));
// What is tested is an aggregate, a reaction, a projection or a process manager. docs/testing.md shows each.
#pragma once

#include <concepts>
#include <utility>

#include "tyto/metadata.hpp"
#include "tyto/testing/aggregate_scenario.hpp"
#include "tyto/testing/process_scenario.hpp"
#include "tyto/testing/projection_scenario.hpp"
#include "tyto/testing/reaction_scenario.hpp"
#include "tyto/testing/verdict.hpp"

namespace tyto::detail {

template <class T>
concept is_tested_aggregate = requires {
  typename T::command;
};
template <class T>
concept is_tested_process = requires {
  typename T::inputs;
};
template <class T>
concept is_tested_projection = requires {
  typename T::table;
};

template <class Consumer>
auto scenario_of(Consumer consumer) {
  if constexpr (is_tested_process<Consumer>) {
    return testing::process_scenario<Consumer>{std::move(consumer)};
  } else if constexpr (is_tested_projection<Consumer>) {
    return testing::projection_scenario<Consumer>{std::move(consumer)};
  } else {
    return testing::reaction_scenario<Consumer>{std::move(consumer)};
  }
}

}  // namespace tyto::detail

namespace tyto::testing {

/// Begins a test of a consumer that has dependencies: `given(billing{gateway})`.
template <class Consumer>
[[nodiscard]] auto given(Consumer consumer) {
  constexpr bool is_consumer =
      detail::is_tested_process<Consumer> || detail::is_tested_projection<Consumer> || detail::has_react<Consumer>;
  static_assert(is_consumer,
                "tyto: what is tested is an aggregate, `given<order>(events...)`, or a consumer: a reaction, a "
                "projection or a process manager");
  if constexpr (is_consumer) return detail::scenario_of(std::move(consumer));
}

/// Begins a test of an aggregate, or of a consumer without dependencies: `given<order>(order_created{500})`. The events
/// are its history; a reaction has none. See aggregate_scenario, reaction_scenario, projection_scenario and
/// process_scenario.
template <class Tested, class... Events>
requires(!std::same_as<Tested, Events> && ...) [[nodiscard]] auto given(const Events&... history) {
  if constexpr (detail::is_tested_aggregate<Tested>) {
    return aggregate_scenario<Tested>{}.given(history...);
  } else {
    constexpr bool constructible = std::default_initializable<Tested>;
    static_assert(constructible, "tyto: the consumer has dependencies; hand it over: `given(your_consumer{...})`");
    if constexpr (constructible && sizeof...(Events) == 0) {
      return testing::given(Tested{});
    } else if constexpr (constructible) {
      return testing::given(Tested{}).given(history...);
    }
  }
}

/// The same for a consumer, with what the test says of the event's metadata:
/// `given<balances>(money_moved{500}, {.persistence_id = "account|alice"})`.
template <class Consumer, class E>
[[nodiscard]] auto given(const E& event, const metadata& meta) {
  return testing::given<Consumer>().given(event, meta);
}

}  // namespace tyto::testing

// Given events, when a command comes, then these events, or a rejection, or nothing: an aggregate's rules.
#pragma once

#include <concepts>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "tyto/aggregate.hpp"
#include "tyto/detail/comparison.hpp"
#include "tyto/detail/scenario_journal.hpp"
#include "tyto/testing/verdict.hpp"

namespace tyto::detail {

/// Returns how `came` differs from the value that is expected.
template <class State>
std::string difference_of_states(const State& expected, const State& came) {
  constexpr bool can_be_compared = comparable<State>;
  static_assert(can_be_compared,
                "tyto: the state cannot be compared; give it an operator==, name its fields with "
                "`TYTO_VALUE(your_type::state, field, ...)`, or hand over a function that looks at it");
  if constexpr (can_be_compared) {
    return difference_of_values("state", expected, came);
  } else {
    return {};
  }
}

template <class State>
std::string unlike(const State& came) {
  return difference({{"a state of which the test's function is true", {}}}, {item_named("state", came)}, never_equal);
}

/// What is decided is a rejection, or else events.
template <class Event>
std::vector<compared_item> items_of_decision(const std::vector<Event>& events, const rejection* no) {
  return no != nullptr ? std::vector{item_of(*no)} : items_of(events);
}

/// What every `then_rejected` of a role does. `matches` tells whether a rejection is the expected one.
template <class Event, class Matches>
std::string difference_of_rejection(compared_item expected, const std::vector<Event>& events, const rejection* no,
                                    Matches matches) {
  return difference({std::move(expected)}, items_of_decision(events, no),
                    [&](std::size_t, std::size_t) { return no != nullptr && matches(*no); });
}

}  // namespace tyto::detail

namespace tyto::testing {

template <class A>
class aggregate_outcome;

/// An aggregate A with a history. Made by given(); each function returns another one. Exceptions of decide() and
/// evolve() come through.
template <class A>
class aggregate_scenario {
  static_assert(detail::check_aggregate<A>());

 public:
  using state_type = typename A::state;

  /// Appends events to the history.
  template <class... Events>
  [[nodiscard]] aggregate_scenario given(const Events&... history) const {
    constexpr bool known = (std::convertible_to<const Events&, typename A::event> && ...);
    static_assert(known, "tyto: the aggregate has no such event");
    aggregate_scenario longer = *this;
    if constexpr (known) (longer.take(typename A::event(history)), ...);
    return longer;
  }

  /// Decides `command` against the history.
  template <class Command>
  [[nodiscard]] aggregate_outcome<A> when(const Command& command) const;

  /// The state after all events.
  [[nodiscard]] const state_type& state() const { return state_; }

  /// Compares the state to `expected`: by ==, or in its fields, where these are named (TYTO_VALUE).
  [[nodiscard]] verdict then_state(const state_type& expected) const {
    return journal_.judge(detail::difference_of_states(expected, state_));
  }
  /// Expects that `is_expected(state)` is true.
  template <std::predicate<const state_type&> Check>
  [[nodiscard]] verdict then_state(const Check& is_expected) const {
    return journal_.judge(is_expected(state_) ? std::string{} : detail::unlike(state_));
  }

 private:
  friend aggregate_outcome<A>;

  void take(const typename A::event& event) {
    state_ = std::visit([this](const auto& e) -> state_type { return A::evolve(std::move(state_), journal_.keep(e)); },
                        event);
  }

  state_type state_{};
  detail::scenario_journal journal_{""};
};

/// What the aggregate A said to a command, and the aggregate after it: another `when` goes on from there.
template <class A>
class aggregate_outcome : public aggregate_scenario<A> {
 public:
  using event_variant = typename A::event;

  /// The decided events; none if the command was rejected or changes nothing.
  [[nodiscard]] const std::vector<event_variant>& events() const { return events_; }
  /// The rejection, or nullptr.
  [[nodiscard]] const rejection* rejected() const { return rejection_ ? &*rejection_ : nullptr; }

  /// Expects these events and no others: by stored name, and by == or stored fields, so that they need no ==.
  template <class... Events>
  [[nodiscard]] verdict then(const Events&... expected) const {
    constexpr bool known = (std::convertible_to<const Events&, event_variant> && ...);
    static_assert(known, "tyto: the aggregate decides no such event");
    static_assert(sizeof...(Events) > 0, "tyto: an outcome of no events is expected by `then_nothing()`");
    if constexpr (known && sizeof...(Events) > 0) {
      return compare({event_variant(expected)...});
    } else {
      return verdict{{}};
    }
  }
  /// Expects this rejection, with its reason and its refusal: `then(tyto::reject("the order is complete"))`.
  [[nodiscard]] verdict then(const rejection& expected) const {
    return rejected_as(detail::item_of(expected), [&](const rejection& no) { return no == expected; });
  }

  /// Expects that the command is accepted and changes nothing.
  [[nodiscard]] verdict then_nothing() const { return compare({}); }

  /// Expects a rejection, whatever its reason.
  [[nodiscard]] verdict then_rejected() const {
    return rejected_as({"a rejection", {}}, [](const rejection&) { return true; });
  }
  /// Expects a rejection with this code, whatever its reason.
  [[nodiscard]] verdict then_rejected(std::string_view code) const {
    return rejected_as(detail::item_of_code(code), [&](const rejection& no) { return no.code == code; });
  }
  /// Expects a rejection with this refusal, whatever its reason: `then_rejected(overdrawn{200})`.
  template <event Refusal>
  [[nodiscard]] verdict then_rejected(const Refusal& refusal) const {
    auto journal = this->journal_;
    const Refusal kept = journal.keep(refusal);
    return journal.judge(detail::difference_of_rejection(detail::item_of(reject(refusal, {})), events_, rejected(),
                                                         [&](const rejection& no) {
                                                           if (no.code != stored_name<Refusal>) return false;
                                                           const auto came = from_bytes<Refusal>(no.data);
                                                           return came && detail::value_comparison{}.equal(kept, *came);
                                                         }));
  }

 private:
  friend aggregate_scenario<A>;

  explicit aggregate_outcome(const aggregate_scenario<A>& before) : aggregate_scenario<A>(before) {}

  void decide(const typename A::command& command) {
    auto decided = std::visit(
        [this](const auto& c) -> decision<event_variant> { return A::decide(std::as_const(this->state_), c); },
        command);
    if (const auto* no = decided.rejected()) rejection_ = *no;
    events_ = std::move(decided).events();
    for (const auto& event : events_) this->take(event);
  }

  [[nodiscard]] verdict compare(const std::vector<event_variant>& expected) const {
    if (!rejection_) return this->journal_.judge(detail::difference_of_events(expected, events_));
    return this->journal_.judge(
        detail::difference(detail::items_of(expected), {detail::item_of(*rejection_)}, detail::never_equal));
  }
  template <class Matches>
  [[nodiscard]] verdict rejected_as(detail::compared_item expected, const Matches& matches) const {
    return this->journal_.judge(detail::difference_of_rejection(std::move(expected), events_, rejected(), matches));
  }

  std::vector<event_variant> events_;
  std::optional<rejection> rejection_;
};

template <class A>
template <class Command>
aggregate_outcome<A> aggregate_scenario<A>::when(const Command& command) const {
  constexpr bool known = std::convertible_to<const Command&, typename A::command>;
  static_assert(known, "tyto: the aggregate has no such command");
  aggregate_outcome<A> outcome{*this};
  if constexpr (known) outcome.decide(typename A::command(command));
  return outcome;
}

}  // namespace tyto::testing

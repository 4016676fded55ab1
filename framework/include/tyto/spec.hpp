// Given, when, then: tests of an aggregate's rules without a runtime, a store or a certain test framework.
//     auto done = tyto::spec<order>{}.given(order_created{"alice"}).when(complete{});
//     REQUIRE(done.then(order_completed{}));  // or look at done.events(), done.rejected(), done.state()
#pragma once

#include <concepts>
#include <ostream>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "tyto/aggregate.hpp"

namespace tyto {

/// Whether an aggregate did as expected, and if not, what it did instead.
class verdict {
 public:
  /// `difference` is empty if there is none.
  explicit verdict(std::string difference) : difference_(std::move(difference)) {}

  explicit operator bool() const { return difference_.empty(); }
  /// Returns what was expected and what came, events as JSON; empty if all is well.
  [[nodiscard]] const std::string& message() const { return difference_; }
  /// Prints message(), so that test frameworks show it.
  friend std::ostream& operator<<(std::ostream& out, const verdict& v) {
    return out << (v ? "as expected" : v.message());
  }

 private:
  std::string difference_;
};

/// What the aggregate A said to a command.
template <class A>
class spec_outcome {
 public:
  using event_variant = typename A::event;

  spec_outcome(std::vector<event_variant> events, const rejection* no, typename A::state state)
      : events_(std::move(events)), rejection_(no ? *no : rejection{}), is_rejected_(no), state_(std::move(state)) {}

  /// The decided events; none if the command was rejected or changes nothing.
  [[nodiscard]] const std::vector<event_variant>& events() const { return events_; }
  /// The rejection, or nullptr.
  [[nodiscard]] const rejection* rejected() const { return is_rejected_ ? &rejection_ : nullptr; }
  /// The state after the decided events.
  [[nodiscard]] const typename A::state& state() const { return state_; }

  /// Compares what was decided to `expected`, by stored names and stored fields, so that events need no operator==.
  /// Without arguments, expects that the command changes nothing.
  template <std::convertible_to<event_variant>... Events>
  [[nodiscard]] verdict then(const Events&... expected) const {
    return compare("decided:" + (std::string{} + ... + describe(event_variant(expected))));
  }
  /// Compares what was decided to a rejection, with its refusal: `then(tyto::reject("the order is complete"))`.
  [[nodiscard]] verdict then(const rejection& expected) const { return compare(describe(expected)); }

 private:
  [[nodiscard]] verdict compare(const std::string& expected) const {
    std::string actual = is_rejected_ ? describe(rejection_) : "decided:";
    for (const auto& event : events_) actual += describe(event);
    return verdict{actual == expected ? std::string{} : "expected " + expected + "\nactually " + actual};
  }

  static std::string describe(const rejection& no) {
    if (no.code.empty()) return "rejected: " + no.reason;
    return "rejected: " + no.reason + "\n  " + no.code + (no.data.empty() ? "" : " " + to_json(no.data));
  }

  static std::string describe(const event_variant& event) {
    return std::visit(
        []<class E>(const E& e) { return "\n  " + std::string{stored_name<E>} + " " + to_json(to_bytes(e)); }, event);
  }

  std::vector<event_variant> events_;
  rejection rejection_;
  bool is_rejected_;
  typename A::state state_;
};

/// An aggregate A with a history. Exceptions of decide() and evolve() come through.
template <class A>
class spec {
  static_assert(detail::check_aggregate<A>());

 public:
  /// Appends events to the history.
  template <std::convertible_to<typename A::event>... Events>
  [[nodiscard]] spec given(const Events&... history) const {
    spec longer = *this;
    (longer.evolve(typename A::event(history)), ...);
    return longer;
  }

  /// Decides `command` against the history; the spec itself stays as it is.
  template <std::convertible_to<typename A::command> Command>
  [[nodiscard]] spec_outcome<A> when(const Command& command) const {
    auto decided = std::visit([this](const auto& c) -> decision<typename A::event> { return A::decide(state_, c); },
                              typename A::command(command));
    spec after = *this;
    auto events = decision(decided).events();
    for (const auto& event : events) after.evolve(event);
    return {std::move(events), decided.rejected(), std::move(after.state_)};
  }

 private:
  void evolve(const typename A::event& event) {
    state_ = std::visit([this](const auto& e) -> typename A::state { return A::evolve(std::move(state_), e); }, event);
  }

  typename A::state state_{};
};

}  // namespace tyto

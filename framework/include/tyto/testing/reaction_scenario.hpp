// When an event comes, then these commands, or none: a reaction.
#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "tyto/command.hpp"
#include "tyto/consumer.hpp"
#include "tyto/detail/comparison.hpp"
#include "tyto/detail/scenario_journal.hpp"
#include "tyto/metadata.hpp"
#include "tyto/testing/verdict.hpp"

namespace tyto::detail {

/// The category of the streams of a consumer's test events, where the test does not say it.
template <class C>
std::string tested_category() {
  if constexpr (gives_categories<C>) {
    return std::string{std::string_view{*std::ranges::begin(C::categories)}};
  } else {
    return "test";
  }
}

template <class... Commands>
consteval bool check_expected_commands() {
  constexpr bool are_commands = (std::same_as<Commands, outgoing_command> && ...);
  static_assert(are_commands, "tyto: a command is expected as it is sent: `then(tyto::send<your_aggregate>(id, ...))`");
  constexpr bool has_any = sizeof...(Commands) > 0;
  static_assert(has_any, "tyto: an outcome of no commands is expected by `then_nothing()`");
  return are_commands && has_any;
}

}  // namespace tyto::detail

namespace tyto::testing {

template <class R>
class reaction_outcome;

/// A reaction R before an event. Made by given(). Exceptions of R come through.
template <class R>
class reaction_scenario {
 public:
  explicit reaction_scenario(R reaction)
      : definition_(std::make_shared<const reaction_definition>(define_reaction(std::move(reaction)))) {}

  /// Hands over an event, with the metadata that a journal would give it: number, stream and time are filled in where
  /// `meta` does not say them, and the stream's entity is 1. One in a stream that is not of R's categories, if it has
  /// any, does not come to it. A name that no stream can have (check_persistence_id()) makes every verdict a bad one,
  /// as does a command that every runtime refuses.
  template <class E>
  [[nodiscard]] reaction_outcome<R> when(const E& event, const metadata& meta = {}) const {
    constexpr bool handled = detail::is_among<decltype(detail::events_of_reaction<R>()), E>;
    static_assert(handled, "tyto: the reaction does not react to this event");
    reaction_outcome<R> outcome{*this};
    if constexpr (handled) outcome.hand_over(outcome.journal_.record(event, meta));
    return outcome;
  }

  /// Tells the reaction that a command of its own was refused: one that followed from the last event, of which `meta`
  /// is the metadata if it says any.
  [[nodiscard]] reaction_outcome<R> when(const refused_command& refused, const metadata& meta = {}) const {
    constexpr bool hears = detail::gives_on_rejected<R>;
    static_assert(hears, "tyto: the reaction has no on_rejected");
    reaction_outcome<R> outcome{*this};
    if constexpr (hears) {
      outcome.journal_.check_stream(refused.persistence_id);
      if (!meta.persistence_id.empty()) outcome.journal_.check_stream(meta.persistence_id);
      outcome.send(definition_->on_rejected(refused, meta.persistence_id.empty() ? last_ : meta).value());
    }
    return outcome;
  }

 private:
  friend reaction_outcome<R>;

  std::shared_ptr<const reaction_definition> definition_;
  detail::scenario_journal journal_{detail::tested_category<R>()};
  metadata last_;
};

/// What followed from an event in a reaction; another `when` goes on from there.
template <class R>
class reaction_outcome : public reaction_scenario<R> {
 public:
  /// The commands that were returned.
  [[nodiscard]] const tyto::commands& commands() const { return commands_; }

  /// Expects these commands in this order and no others: to the same aggregates, with the same options, and equal in
  /// by ==, or in their fields, where these are named (TYTO_VALUE). Commands that hold something and have neither
  /// cannot be compared, which is a failure.
  template <class... Commands>
  [[nodiscard]] verdict then(const Commands&... expected) const {
    if constexpr (detail::check_expected_commands<Commands...>()) {
      return this->journal_.judge(detail::difference_of_commands({expected...}, commands_));
    } else {
      return verdict{{}};
    }
  }
  /// Expects no command.
  [[nodiscard]] verdict then_nothing() const {
    return this->journal_.judge(detail::difference_of_commands({}, commands_));
  }

 private:
  friend reaction_scenario<R>;

  explicit reaction_outcome(const reaction_scenario<R>& before) : reaction_scenario<R>(before) {}

  void hand_over(const recorded_event& event) {
    this->last_ = event.meta;
    if (!handled_by(*this->definition_).takes(event.meta.type, event.meta.persistence_id)) return;
    send(this->definition_->handlers.find(event.meta.type)->second(event).value());
  }

  void send(tyto::commands sent) {
    commands_ = std::move(sent);
    this->journal_.check(commands_);
  }

  tyto::commands commands_;
};

}  // namespace tyto::testing

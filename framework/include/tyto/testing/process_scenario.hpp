// Given events, when an event comes or a deadline runs out, then these commands and deadlines: a process manager.
#pragma once

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "tyto/detail/comparison.hpp"
#include "tyto/detail/scenario_journal.hpp"
#include "tyto/event_filter.hpp"
#include "tyto/printable.hpp"
#include "tyto/process_manager.hpp"
#include "tyto/testing/aggregate_scenario.hpp"
#include "tyto/testing/reaction_scenario.hpp"
#include "tyto/testing/verdict.hpp"

namespace tyto::detail {

/// How many deadlines may run out in one step of a test: a process manager that sets another one each time, without a
/// look at the clock, would never come to an end.
inline constexpr std::size_t most_deadlines = 10'000;

std::string difference_of_deadlines(std::vector<deadline> expected, const std::map<std::string, timestamp>& set);

/// What followed from an input of the process manager P.
template <class P>
struct followed {
  std::vector<typename P::event> events = {};
  tyto::commands commands = {};
  std::optional<rejection> rejected = {};
};

}  // namespace tyto::detail

namespace tyto::testing {

template <class P>
class process_outcome;

/// The instances of a process manager P, under a clock that begins at `noon` and moves when the test says so. Made by
/// given(). Exceptions of P come through.
///
/// A scenario looks at one instance: that of the last event, and before any that of the key 1.
template <class P>
class process_scenario {
  using process = detail::process<P>;

 public:
  using state_type = typename P::state;

  explicit process_scenario(P manager) : handler_(std::make_shared<const P>(std::move(manager))) {}

  /// Appends an event to the history: one of P's own, to the instance whose stream `meta` names (`checkout|1`), or else
  /// to the one that is looked at; or an input, which is handled as in when().
  template <class E>
  [[nodiscard]] process_scenario given(const E& event, const metadata& meta) const {
    constexpr bool is_own = detail::is_among<typename P::event, E>;
    constexpr bool is_input = detail::is_among<typename P::inputs, E>;
    static_assert(is_own || is_input, "tyto: the process manager has no such event, and no such input");
    process_scenario longer = *this;
    if constexpr (is_own) {
      if (!meta.persistence_id.empty()) longer.look_at(meta.persistence_id);
      if (meta.time != timestamp{}) longer.journal_.set_time(meta.time);
      longer.take(event);
    } else if constexpr (is_input) {
      longer.hand_over(event, meta);
    }
    return longer;
  }
  /// Appends events.
  template <class... Events>
  [[nodiscard]] process_scenario given(const Events&... history) const {
    process_scenario longer = *this;
    ((longer = longer.given(history, metadata{})), ...);
    return longer;
  }

  /// Sets the clock without a look at the deadlines.
  [[nodiscard]] process_scenario at(timestamp now) const {
    process_scenario later = *this;
    later.journal_.set_time(now);
    return later;
  }
  [[nodiscard]] timestamp now() const { return journal_.now(); }

  /// Hands over an input, with metadata as in reaction_scenario::when(). The clock is set to its time.
  template <class E>
  [[nodiscard]] process_outcome<P> when(const E& event, const metadata& meta = {}) const {
    constexpr bool is_input = detail::is_among<typename P::inputs, E>;
    static_assert(is_input, "tyto: the event is none of the process manager's inputs");
    process_scenario after = *this;
    detail::followed<P> followed;
    if constexpr (is_input) followed = after.hand_over(event, meta);
    return {std::move(after), std::move(followed)};
  }

  /// Tells the instance that a command of its own was refused.
  [[nodiscard]] process_outcome<P> when(const refused_command& refused) const {
    constexpr bool hears = detail::gives_on_refused<P>;
    static_assert(hears, "tyto: the process manager has no on for a refused command");
    process_scenario after = *this;
    detail::followed<P> followed;
    if constexpr (hears) {
      after.journal_.check_stream(refused.persistence_id);
      after.follow(process::decide(after.instance(), refused), followed);
    }
    return {std::move(after), std::move(followed)};
  }

  /// Moves the clock to when the instance's deadline `name` runs out, unless that is past, and tells this deadline
  /// alone. If there is none, every verdict is a bad one.
  [[nodiscard]] process_outcome<P> when_deadline(const std::string& name) const {
    process_scenario after = *this;
    detail::followed<P> followed;
    const auto set = instance().deadlines;
    if (const auto found = set.find(name); found != set.end()) {
      after.run_out({found->second, key_, name}, followed);
    } else {
      after.journal_.note("no deadline '" + name + "' is set in the instance '" + key_ + "'");
    }
    return {std::move(after), std::move(followed)};
  }

  /// Moves the clock by `time` and tells all instances of the deadlines that run out meanwhile, in their order: also of
  /// those that are set by what follows.
  [[nodiscard]] process_outcome<P> when_time_passes(std::chrono::microseconds time) const {
    const auto end = now() + time;
    process_scenario after = *this;
    detail::followed<P> followed;
    std::size_t told = 0;
    for (auto next = after.next_deadline(); next && next->due <= end; next = after.next_deadline()) {
      if (++told > detail::most_deadlines) {
        after.journal_.note("deadlines run out again and again, while the clock stands still");
        break;
      }
      after.run_out(*next, followed);
    }
    after.key_ = key_;
    after.journal_.set_time(end);
    return {std::move(after), std::move(followed)};
  }

  /// The state of the instance.
  [[nodiscard]] state_type state() const { return instance().own; }

  /// Compares the state to `expected`: by ==, or in its fields, where these are named (TYTO_VALUE).
  [[nodiscard]] verdict then_state(const state_type& expected) const {
    return journal_.judge(detail::difference_of_states(expected, state()));
  }
  /// Expects that `is_expected(state)` is true.
  template <std::predicate<const state_type&> Check>
  [[nodiscard]] verdict then_state(const Check& is_expected) const {
    const auto came = state();
    return journal_.judge(is_expected(came) ? std::string{} : detail::unlike(came));
  }

  /// Expects that these deadlines of the instance are set and no others: `then_deadlines(tyto::deadline{"payment",
  /// tyto::testing::noon + 30min})`.
  template <std::same_as<deadline>... Deadlines>
  requires(sizeof...(Deadlines) > 0) [[nodiscard]] verdict then_deadlines(const Deadlines&... expected) const {
    return journal_.judge(detail::difference_of_deadlines({expected...}, instance().deadlines));
  }
  /// Expects that no deadline of the instance is set.
  [[nodiscard]] verdict then_no_deadlines() const {
    return journal_.judge(detail::difference_of_deadlines({}, instance().deadlines));
  }

  /// Whether the instance has begun and is over.
  [[nodiscard]] bool is_over() const requires detail::gives_is_over<P> {
    const auto now = instance();
    return now.exists && P::is_over(now.own);
  }

 protected:
  // What the verdicts of an outcome need.
  [[nodiscard]] const detail::scenario_journal& journal() const { return journal_; }

 private:
  struct next_to_run_out {
    timestamp due;
    std::string key;
    std::string name;
  };

  [[nodiscard]] typename process::state instance() const {
    if (const auto found = instances_.find(key_); found != instances_.end()) return found->second;
    typename process::state fresh{};
    fresh.key = key_;
    fresh.handler = handler_;
    return fresh;
  }

  // Goes on with the instance whose stream this is.
  void look_at(std::string_view persistence_id) {
    journal_.check_stream(persistence_id);
    if (category_of(persistence_id) != P::name) {
      journal_.note("'" + printable(persistence_id) + "' is no stream of " + std::string{P::name});
    }
    key_ = entity_id_of(persistence_id);
  }

  // Returns the event as it is read back.
  template <class E>
  E take(const E& event) {
    E kept = journal_.keep(event);
    instances_.insert_or_assign(key_, process::evolve(instance(), kept));
    return kept;
  }

  template <class E>
  detail::followed<P> hand_over(const E& event, const metadata& given) {
    const auto recorded = journal_.record(event, given);
    const auto& meta = recorded.meta;
    const auto kept = event_cast<E>(recorded).value();
    detail::followed<P> all;
    if (!filter().takes(meta.type, meta.persistence_id)) return all;
    const correlation to = handler_->correlate(*kept, meta);
    if (to.key.empty()) return all;
    look_at(make_persistence_id(P::name, to.key));
    follow(process::decide(instance(), detail::delivered<E>{*kept, meta, to.starts}), all);
    return all;
  }

  void run_out(const next_to_run_out& next, detail::followed<P>& all) {
    key_ = next.key;
    journal_.set_time(std::max(journal_.now(), next.due));
    const auto decided = process::decide(instance(), deadline{next.name, next.due});
    follow(decided, all);
    // As a runtime does, or it would be told for ever.
    if (decided.rejected()) follow(process::decide(instance(), detail::drop_deadline{next.name, next.due}), all);
  }

  void follow(decision<typename process::event> decided, detail::followed<P>& all) {
    if (const auto* no = decided.rejected()) all.rejected = *no;
    tyto::commands sent;
    for (const auto& each : std::move(decided).events()) {
      std::visit(
          [&]<class E>(const E& e) {
            const E kept = take(e);
            if constexpr (detail::is_among<typename P::event, E>) {
              all.events.emplace_back(e);
              for (auto& step : detail::steps_of<P>(kept, key_)) {
                if (auto* command = std::get_if<outgoing_command>(&step)) sent.push_back(std::move(*command));
              }
            }
          },
          each);
    }
    journal_.check(sent);
    std::ranges::move(sent, std::back_inserter(all.commands));
  }

  [[nodiscard]] std::optional<next_to_run_out> next_deadline() const {
    std::optional<next_to_run_out> next;
    for (const auto& [key, each] : instances_) {
      for (const auto& [name, due] : each.deadlines) {
        if (!next || due < next->due) next = {due, key, name};
      }
    }
    return next;
  }

  static event_filter filter() {
    event_filter made;
    if constexpr (detail::gives_categories<P>) {
      made.categories.assign(std::ranges::begin(P::categories), std::ranges::end(P::categories));
    }
    return made;
  }

  std::shared_ptr<const P> handler_;
  std::map<std::string, typename process::state> instances_;
  std::string key_ = "1";
  detail::scenario_journal journal_{detail::tested_category<P>()};
};

/// What followed in a process manager; another `when` goes on from there.
template <class P>
class process_outcome : public process_scenario<P> {
 public:
  process_outcome(process_scenario<P> after, detail::followed<P> followed)
      : process_scenario<P>(std::move(after)), followed_(std::move(followed)) {}

  /// The commands that were sent.
  [[nodiscard]] const tyto::commands& commands() const { return followed_.commands; }
  /// The events of P's own that were decided.
  [[nodiscard]] const std::vector<typename P::event>& events() const { return followed_.events; }
  /// The rejection of the input or deadline, or nullptr.
  [[nodiscard]] const rejection* rejected() const { return followed_.rejected ? &*followed_.rejected : nullptr; }

  /// Expects these commands in this order and no others, compared as in reaction_outcome::then().
  template <class... Commands>
  [[nodiscard]] verdict then(const Commands&... expected) const {
    if constexpr (detail::check_expected_commands<Commands...>()) {
      const tyto::commands all{expected...};
      return judge(detail::items_of(all), [&] { return detail::difference_of_commands(all, commands()); });
    } else {
      return verdict{{}};
    }
  }

  /// Expects these events of P's own in this order and no others.
  template <class... Events>
  [[nodiscard]] verdict then_events(const Events&... expected) const {
    constexpr bool known = (std::convertible_to<const Events&, typename P::event> && ...);
    static_assert(known, "tyto: the event is none of the process manager's own");
    if constexpr (known) {
      const std::vector<typename P::event> all{typename P::event(expected)...};
      return judge(detail::items_of(all), [&] { return detail::difference_of_events(all, events()); });
    } else {
      return verdict{{}};
    }
  }

  /// Expects that nothing was decided: no event of P's own, so no command either.
  [[nodiscard]] verdict then_nothing() const { return then_events(); }

  /// Expects a rejection, whatever its reason.
  [[nodiscard]] verdict then_rejected() const {
    return rejected_as({"a rejection", {}}, [](const rejection&) { return true; });
  }
  /// Expects a rejection with this code, whatever its reason.
  [[nodiscard]] verdict then_rejected(std::string_view code) const {
    return rejected_as(detail::item_of_code(code), [&](const rejection& no) { return no.code == code; });
  }

 private:
  template <class Difference>
  [[nodiscard]] verdict judge(const std::vector<detail::compared_item>& expected, const Difference& difference) const {
    if (rejected() == nullptr) return this->journal().judge(difference());
    return this->journal().judge(detail::difference(expected, {detail::item_of(*rejected())}, detail::never_equal));
  }
  template <class Matches>
  [[nodiscard]] verdict rejected_as(detail::compared_item expected, const Matches& matches) const {
    return this->journal().judge(detail::difference_of_rejection(std::move(expected), events(), rejected(), matches));
  }

  detail::followed<P> followed_;
};

}  // namespace tyto::testing

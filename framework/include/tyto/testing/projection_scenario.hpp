// Given events, then these rows, or this answer to a question: a projection.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "tyto/consumer.hpp"
#include "tyto/detail/comparison.hpp"
#include "tyto/detail/row_trials.hpp"
#include "tyto/detail/scenario_journal.hpp"
#include "tyto/metadata.hpp"
#include "tyto/testing/reaction_scenario.hpp"
#include "tyto/testing/verdict.hpp"

namespace tyto::testing {

/// A row that a test expects: `then(row("alice", 500))`.
template <class Key, class Value>
struct expected_row {
  Key key;
  Value value;
};
template <class Key, class Value>
expected_row<Key, Value> row(Key key, Value value) {
  return {std::move(key), std::move(value)};
}

template <class P, class Answer>
class projection_outcome;

/// A projection P and the events that it has got. Made by given(). Exceptions of P come through when the rows are asked
/// for.
///
/// Each verdict rests on the rows of all events at once. But it is a bad one as well if these depend on how a runtime
/// went about it: if they are others when the same events are handled again, as by a rebuild; with another end of each
/// batch, after which the rows are written and read back; or, where P has partitions, when these share the events.
template <class P>
class projection_scenario {
 public:
  using table = typename P::table;

  explicit projection_scenario(P projection)
      : definition_(std::make_shared<const projection_definition>(define_projection(std::move(projection)))) {}

  /// Appends an event, with metadata as in reaction_scenario::when().
  template <class E>
  [[nodiscard]] projection_scenario given(const E& event, const metadata& meta) const {
    constexpr bool handled = detail::is_among<decltype(detail::events_of_projection<P>()), E>;
    static_assert(handled, "tyto: the projection does not handle this event");
    projection_scenario longer = *this;
    if constexpr (handled) {
      auto recorded = longer.journal_.record(event, meta);
      if (handled_by(*definition_).takes(recorded.meta.type, recorded.meta.persistence_id)) {
        longer.events_.push_back(std::move(recorded));
      }
    }
    return longer;
  }
  /// Appends events.
  template <class... Events>
  [[nodiscard]] projection_scenario given(const Events&... history) const {
    projection_scenario longer = *this;
    ((longer = longer.given(history, metadata{})), ...);
    return longer;
  }

  /// Asks P.
  template <class Question>
  [[nodiscard]] auto when(const Question& question) const {
    constexpr bool answers = requires(const table& rows) { P::query(rows, question); };
    static_assert(answers, "tyto: the projection has no query for this question");
    if constexpr (answers) {
      const auto made = build();
      const table rows{*made.rows};
      using answer = std::remove_cvref_t<decltype(P::query(rows, question))>;
      return projection_outcome<P, answer>{P::query(rows, question), made.journal};
    }
  }

  /// Expects these rows and no others, in the order of their keys. Values are compared by a == of their type, or in
  /// what is stored of them.
  template <class Key, class Value, class... More>
  [[nodiscard]] verdict then(const expected_row<Key, Value>& first, const More&... more) const {
    return compare({row_of(first), row_of(more)...});
  }
  /// Expects no rows.
  [[nodiscard]] verdict then_nothing() const { return compare({}); }

 private:
  struct built {
    detail::scenario_journal journal;
    std::shared_ptr<const row_reader> rows;
  };
  using row_type = std::pair<typename table::key_type, typename table::value_type>;
  using row_list = std::vector<row_type>;

  template <class Key, class Value>
  static row_type row_of(const expected_row<Key, Value>& expected) {
    return {typename table::key_type(expected.key), typename table::value_type(expected.value)};
  }
  static row_list rows_of(const row_reader& from) { return table{from}.all().list(); }

  static std::string difference(const row_list& expected, const row_list& came) {
    const auto items = [](const row_list& all) {
      std::vector<detail::compared_item> made;
      for (const auto& [key, value] : all) made.push_back(detail::item_of_row(to_bytes(key), value));
      return made;
    };
    std::string unseen;
    const auto text = detail::difference(items(expected), items(came), [&](std::size_t i, std::size_t j) {
      return expected[i].first == came[j].first && detail::are_equal(expected[i].second, came[j].second, unseen);
    });
    return detail::joined(text, unseen);
  }

  [[nodiscard]] built build() const {
    built made{journal_, nullptr};
    for (const auto& each : detail::build_rows(*definition_, events_)) {
      if (made.rows == nullptr) {
        made.rows = each.rows;
      } else if (!detail::are_same_rows(*made.rows, *each.rows)) {
        if (const auto other = difference(rows_of(*made.rows), rows_of(*each.rows)); !other.empty()) {
          made.journal.note("the rows are other ones " + each.how + "\n" + other);
          break;
        }
      }
    }
    return made;
  }

  [[nodiscard]] verdict compare(const row_list& expected) const {
    const auto made = build();
    return made.journal.judge(difference(expected, rows_of(*made.rows)));
  }

  std::shared_ptr<const projection_definition> definition_;
  detail::scenario_journal journal_{detail::tested_category<P>()};
  std::vector<recorded_event> events_;
};

/// What a projection P answered.
template <class P, class Answer>
class projection_outcome {
 public:
  [[nodiscard]] const Answer& answer() const { return answer_; }

  /// Compares the answer to `expected`: by ==, or in what would be stored of it.
  [[nodiscard]] verdict then(const Answer& expected) const {
    constexpr bool can_be_compared = detail::comparable<Answer>;
    static_assert(can_be_compared,
                  "tyto: the answer cannot be compared; give its type an operator==, name its fields with "
                  "`TYTO_VALUE(type, field, ...)`, or look at `answer()`");
    if constexpr (can_be_compared) {
      return journal_.judge(detail::difference_of_values("answer", expected, answer_));
    } else {
      return verdict{{}};
    }
  }

 private:
  friend projection_scenario<P>;
  projection_outcome(Answer answer, detail::scenario_journal journal)
      : answer_(std::move(answer)), journal_(std::move(journal)) {}

  Answer answer_;
  detail::scenario_journal journal_;
};

}  // namespace tyto::testing

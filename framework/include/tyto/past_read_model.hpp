// A projection as it was: its rows built up in memory from the journal, up to a position, and asked like the live ones.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>

#include "tyto/consumer.hpp"
#include "tyto/event_store.hpp"
#include "tyto/read_model_store.hpp"

namespace tyto {

namespace detail {

/// Rows of a read model that was never committed: none.
const row_reader& no_rows();

/// Builds up the rows of `definition` and returns the position up to which they are.
result<std::uint64_t> project_rows(const event_store& journal, const projection_definition& definition,
                                   std::uint64_t until, row_buffer& rows);

/// Calls `call` and returns what it threw as an error.
result<void> call_query(std::string_view projection, const std::function<void()>& call);

}  // namespace detail

/// The rows of the projection P as they were after the event at position(). Lives in memory and on its own.
template <class P>
class past_read_model {
 public:
  /// The last event whose effect is in the rows: the position that was asked for, or the end of the journal.
  [[nodiscard]] std::uint64_t position() const { return position_; }

  /// Asks P. errc::handler_failed if P::query throws.
  template <class Question, class Projection = P>
  [[nodiscard]] auto query(const Question& question) const
      -> result<decltype(Projection::query(std::declval<const typename Projection::table&>(), question))> {
    std::optional<decltype(Projection::query(std::declval<const typename Projection::table&>(), question))> answer;
    auto asked = detail::call_query(P::name, [&] {
      const typename P::table table{static_cast<const row_reader&>(rows_)};
      answer.emplace(P::query(table, question));
    });
    if (!asked) return std::move(asked).error();
    return *std::move(answer);
  }

  /// The rows, in their stored form: `const P::table table{model.rows()}` reads them.
  [[nodiscard]] const row_reader& rows() const { return rows_; }

 private:
  template <class Q>
  friend result<past_read_model<Q>> project_until(const event_store&, std::uint64_t, Q);
  past_read_model() = default;

  row_buffer rows_{detail::no_rows()};
  std::uint64_t position_ = 0;
};

/// Returns the read model of the projection P after the event at `position`, built from the journal's first event on.
/// Events that were removed from the journal have no effect, as in every read model that is built anew. Fails as the
/// projection would: with errc::handler_failed if it throws, errc::undecodable, errc::damaged. `projection` has P's
/// dependencies, if it has any.
template <class P>
result<past_read_model<P>> project_until(const event_store& journal, std::uint64_t position, P projection = P{}) {
  past_read_model<P> model;
  auto reached = detail::project_rows(journal, define_projection(std::move(projection)), position, model.rows_);
  if (!reached) return std::move(reached).error();
  model.position_ = *reached;
  return model;
}

}  // namespace tyto

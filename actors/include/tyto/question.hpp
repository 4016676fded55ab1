// Questions to projections: their types, how they reach the version of a projection that answers, and live queries.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "tyto/consumer.hpp"
#include "tyto/read_model_store.hpp"

namespace tyto {

/// What a caller may say with a question.
struct query_options {
  /// The answer is as of this position or a later one: what `committed::position` says of a command that it must show.
  std::uint64_t at_least = 0;
  /// How long to wait until the projection is there; errc::timeout says how far behind it is.
  std::chrono::milliseconds timeout = std::chrono::seconds{10};
};

namespace detail {

template <class F>
struct query_parameter;  // the question that a projection's query takes
template <class R, class T, class Q, bool Noexcept>
struct query_parameter<R (*)(const T&, const Q&) noexcept(Noexcept)> : std::type_identity<Q> {};

template <class P>
concept answers_one_question = requires {
  typename query_parameter<decltype(&P::query)>::type;
};
/// What braces become where they may be one of several questions.
struct some_question {
  template <class... Parts>
  some_question(const Parts&...) {}
};
template <class P>
struct question : std::type_identity<some_question> {};
template <answers_one_question P>
struct question<P> : query_parameter<decltype(&P::query)> {};
template <class P>
using question_of = typename question<P>::type;

/// Says at compile time that the type of a question in braces cannot be told; returns whether it can.
template <class P>
constexpr bool check_one_question() {
  constexpr bool is_one = answers_one_question<P>;
  static_assert(is_one,
                "tyto: the projection answers several types of questions, or has another form of query than `static "
                "Answer query(const table&, const YourQuestion&)`; name the question's type: "
                "`rt.query<your_projection>(your_question{...})`");
  return is_one;
}

template <class P, class Question>
using answer_of = decltype(P::query(std::declval<const typename P::table&>(), std::declval<const Question&>()));

using query_call = std::function<void(const row_reader&)>;

/// How to ask one version of a projection.
struct version_call {
  std::string_view name;
  query_call call;
};
using version_calls = std::vector<version_call>;  // the newest version first

/// Returns how to ask P, or what it replaces: each calls `take(answer)`. `question` must outlive them.
template <class P, class Question, class Take>
version_calls calls_of(const Question& question, Take take) {
  version_calls calls;
  if constexpr (replaces_another<P>) calls = calls_of<typename P::replaces>(question, take);
  calls.insert(calls.begin(), version_call{P::name, [&question, take](const row_reader& rows) {
                                             const typename P::table table{rows};
                                             take(P::query(table, question));
                                           }});
  return calls;
}

class watcher;

}  // namespace detail

/// A question that is asked again and again, see runtime::watch(). Destroying it, or assigning to it, ends that: the
/// callback is not called any more, and a call that is under way has returned, unless it is the one that does this. May
/// outlive the runtime.
class live_query {
 public:
  live_query();
  explicit live_query(std::unique_ptr<detail::watcher> asks);
  live_query(live_query&& other) noexcept;
  live_query& operator=(live_query&& other) noexcept;
  ~live_query();

 private:
  std::unique_ptr<detail::watcher> asks_;
};

}  // namespace tyto

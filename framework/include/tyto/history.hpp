// Looking back: what happened to one aggregate, and what its state was after any of its events. Read from a journal
// that may be in use; nothing of a runtime is needed.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "tyto/aggregate.hpp"
#include "tyto/event_store.hpp"

namespace tyto {

/// An event of the aggregate A with its surroundings.
template <class A>
struct past_event {
  typename A::event event;
  metadata meta;
};

/// The moment after the event `sequence_number`; 0 is the moment before the first one.
struct at_sequence {
  std::uint64_t sequence_number = 0;
};

/// The moment after all events of `time` and before.
struct at_time {
  timestamp time;
};

/// One of the two.
using moment = std::variant<at_sequence, at_time>;

namespace detail {

using history_visitor = std::function<result<visit>(const event_view&)>;

/// Visits the events of one aggregate's stream up to `end` that its author knows of: no retired ones and no recorded
/// rejections. Fails unless they are all there.
result<void> walk_history(const event_store& journal, const aggregate_definition& definition,
                          std::string_view entity_id, const moment& end, const history_visitor& visitor);

inline constexpr at_sequence end_of_stream{std::numeric_limits<std::uint64_t>::max()};

/// Decodes `event`; returns none if A passes over its type.
template <class A, class... Es>
result<std::optional<typename A::event>> decode_event(const event_view& event, const std::variant<Es...>*) {
  std::optional<typename A::event> found;
  result<void> decoded;
  const auto decode_as = [&]<class E>(std::type_identity<E>) {
    if (event.meta.type != stored_name<E>) return false;
    E value{};
    decoded = decode_stored(event, "reading the history of", value);
    found.emplace(std::move(value));
    return true;
  };
  const bool is_known = (decode_as(std::type_identity<Es>{}) || ...);
  if (!decoded) return std::move(decoded).error();
  if (!is_known && !skips_unknown_events<A>()) return unknown_event(event, "reading the history of", A::category);
  return found;
}

}  // namespace detail

/// Calls `see(const past_event<A>&)` for each event of the aggregate A named `entity_id`, in order, until it returns
/// visit::stop if it returns a visit. A store may hold a read transaction meanwhile: `see` should be quick.
///
/// Recorded rejections and retired events are passed over. An aggregate without events has an empty history. Fails like
/// recovery does, after the events before have been seen: with errc::unknown_event_type, errc::undecodable, and
/// errc::truncated if events were removed, unless what is left begins with one of A's `summaries`.
template <class A, class See>
result<void> visit_history(const event_store& journal, std::string_view entity_id, See see) {
  const auto& definition = definition_of<A>();
  return detail::walk_history(
      journal, definition, entity_id, detail::end_of_stream, [&see](const event_view& stored) -> result<visit> {
        auto event = detail::decode_event<A>(stored, static_cast<const typename A::event*>(nullptr));
        if (!event) return std::move(event).error();
        if (!*event) return visit::next;
        const past_event<A> past{**std::move(event), stored.meta};
        if constexpr (std::same_as<decltype(see(past)), visit>) {
          return see(past);
        } else {
          see(past);
          return visit::next;
        }
      });
}

/// Returns the events of the aggregate A named `entity_id`, the first one first. Fails like visit_history(), which is
/// the better choice for streams that are too long for memory.
template <class A>
result<std::vector<past_event<A>>> history(const event_store& journal, std::string_view entity_id) {
  std::vector<past_event<A>> events;
  auto seen = visit_history<A>(journal, entity_id, [&events](const past_event<A>& past) { events.push_back(past); });
  if (!seen) return std::move(seen).error();
  return events;
}

/// Returns the state of the aggregate A named `entity_id` as it was at a moment: at_sequence{7} or at_time{t}. Replays
/// the stream up to there; snapshots are not used. A time after the last event gives the present state, one before the
/// first event the initial one.
///
/// Fails like recovery does; with errc::truncated also if the events of that moment were removed, whether or not a
/// snapshot or an image stands for them; with errc::invalid_argument if there is no such sequence number yet.
template <class A>
result<typename A::state> state_at(const event_store& journal, std::string_view entity_id, moment at) {
  const auto& definition = definition_of<A>();
  detail::typed_instance<A> instance;
  auto replayed =
      detail::walk_history(journal, definition, entity_id, at, [&](const event_view& event) -> result<visit> {
        if (auto applied = instance.replay(event); !applied) return std::move(applied).error();
        return visit::next;
      });
  if (!replayed) return std::move(replayed).error();
  return instance.state();
}

}  // namespace tyto

// Parts of a journal as JSON, for one answer each: so many events, and for so long. What is left is asked for next, so
// a long search never keeps a thread, or what a reader holds on to.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "event_selection.hpp"
#include "tyto/event_store.hpp"
#include "tyto/result.hpp"

namespace tyto::detail {

/// Which events are wanted, and how many.
struct wanted_events {
  survey::event_selection which;
  std::string stream = {};  // of this one alone; empty: of all
  std::size_t limit = 100;
  std::chrono::milliseconds patience{500};

  [[nodiscard]] bool takes(const event_view& event) const;
  [[nodiscard]] event_filter filter() const;
  /// Whether it takes everything.
  [[nodiscard]] bool is_all() const;
};

/// What was found, in order, each an object in JSON.
struct found_events {
  std::vector<std::string> events;
  std::optional<std::uint64_t> goes_on;  // where there may be more; none: there are none
};

/// Returns `event` as to_json_line() does. One whose payload cannot be shown has null, and `"unreadable":true`.
std::string json_of(const event_view& event);
/// The same with what caused it: "caused_by", a position, and "consumer", which led to it; null if a caller did.
std::string json_with_cause(const event_view& event);

/// Returns the first of `wanted` from the position `from` on; goes_on is the position to ask for next. `show` makes an
/// object of an event.
result<found_events> events_from(const event_store& journal, std::uint64_t from, const wanted_events& wanted,
                                 std::string (*show)(const event_view&) = json_of);

/// Returns the last of `wanted` before the position `before`; goes_on is what to give as `before` next.
result<found_events> events_before(const event_store& journal, std::uint64_t before, const wanted_events& wanted);

/// What is known of a stream, and some of its events.
struct found_stream {
  stream_info known;
  found_events found;  // goes_on is a sequence number
};
/// Returns the first `limit` events from the sequence number `from` on; without one, the last `limit`.
result<found_stream> events_of_stream(const event_store& journal, const std::string& stream,
                                      std::optional<std::uint64_t> from, std::size_t limit);

}  // namespace tyto::detail

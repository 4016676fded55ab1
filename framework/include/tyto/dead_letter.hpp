// Deliveries that failed for good: what a consumer could not handle, on record in the journal until someone has it
// tried again or gives it up. A consumer's record is a stream of its own, `tyto.consumer|<name>`, kept by an aggregate
// like any other; the consumer's actor writes it, the runtime's dead letter calls read it.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tyto/aggregate.hpp"
#include "tyto/checkpoint.hpp"
#include "tyto/clock.hpp"
#include "tyto/event_store.hpp"

namespace tyto {

/// What becomes of an event whose handler has failed as often as it may.
enum class on_failure : std::uint8_t {
  park,   // it becomes a dead letter; later events with the same key wait behind it, other keys go on
  skip,   // it is recorded and left out
  stop,   // the consumer halts until runtime::resume() or the next start; health() says so
  retry,  // it is tried for ever, and what follows waits
};

/// `static constexpr tyto::failure_policy failures{…}` in a consumer. It is for events that the handler, or the
/// aggregate to which it sends a command, cannot cope with. While storage is full or slow, consumers simply wait and
/// try again.
struct failure_policy {
  /// How often it is tried again after the first attempt, with a pause that grows (runtime_options::min_backoff). Not
  /// given: 8 times. Must not be given with on_failure::retry, which knows no limit.
  std::optional<std::uint32_t> retries = std::nullopt;
  on_failure then = on_failure::park;

  /// How often an event is tried again.
  [[nodiscard]] constexpr std::uint32_t max_retries() const { return retries.value_or(8); }
  /// Whether there is a limit, and none as well.
  [[nodiscard]] constexpr bool contradicts_itself() const { return retries && then == on_failure::retry; }
};

/// An event became a dead letter of a consumer, or waits behind one.
struct event_parked {
  std::uint64_t position = 0;
  std::string key;  // what it has in common with events that must wait behind it
  std::string persistence_id;
  std::string type;
  std::string reason;          // the last error; empty if it only waits behind another
  std::uint32_t attempts = 0;  // 0 if it only waits
  /// Of the parts into which an upcaster has split the event, the one that this is about; none: the whole event, as in
  /// what earlier versions recorded. So in the other two.
  std::optional<std::uint32_t> part = std::nullopt;
  bool has_known_key = true;  // else `key` is its stream, because it could not be told; earlier versions do not say
};
/// An event was left out by a consumer.
struct event_skipped {
  std::uint64_t position = 0;
  std::string persistence_id;
  std::string type;
  std::string reason;
  std::uint32_t attempts = 0;
  std::optional<std::uint32_t> part = std::nullopt;
};
/// An event is no longer a dead letter.
struct event_released {
  std::uint64_t position = 0;
  bool discarded = false;  // given up, else handled
  std::optional<std::uint32_t> part = std::nullopt;
};
TYTO_EVENT_NAME(event_parked, "tyto.event_parked")
TYTO_EVENT_NAME(event_skipped, "tyto.event_skipped")
TYTO_EVENT_NAME(event_released, "tyto.event_released")

template <class Inspector>
bool inspect(Inspector& f, event_parked& x) {
  return f.object(x).fields(f.field("position", x.position), f.field("key", x.key),
                            f.field("persistence_id", x.persistence_id), f.field("type", x.type),
                            f.field("reason", x.reason), f.field("attempts", x.attempts),
                            f.field("part", x.part).fallback(std::optional<std::uint32_t>{}),
                            f.field("has_known_key", x.has_known_key).fallback(false));
}
template <class Inspector>
bool inspect(Inspector& f, event_skipped& x) {
  return f.object(x).fields(f.field("position", x.position), f.field("persistence_id", x.persistence_id),
                            f.field("type", x.type), f.field("reason", x.reason), f.field("attempts", x.attempts),
                            f.field("part", x.part).fallback(std::optional<std::uint32_t>{}));
}
template <class Inspector>
bool inspect(Inspector& f, event_released& x) {
  return f.object(x).fields(f.field("position", x.position), f.field("discarded", x.discarded),
                            f.field("part", x.part).fallback(std::optional<std::uint32_t>{}));
}

/// A dead letter as it is listed.
struct dead_letter {
  event_parked event;
  timestamp since;
};

/// The record of one consumer's dead letters, as an aggregate.
struct consumer_record {
  static constexpr std::string_view category = "tyto.consumer";

  struct park {
    event_parked what;
  };
  struct skip {
    event_skipped what;
  };
  struct release {
    std::vector<event_released> what;  // all go on record, or none
  };
  using command = std::variant<park, skip, release>;
  using event = std::variant<event_parked, event_skipped, event_released>;
  struct state {
    std::set<delivery_id> parked;
  };

  static decision<event> decide(const state& s, const park& c);
  static decision<event> decide(const state& s, const skip& c);
  static decision<event> decide(const state& s, const release& c);
  static state evolve(state s, const event_parked& e);
  static state evolve(state s, const event_skipped& e);
  static state evolve(state s, const event_released& e);
};

/// Returns the dead letters of `consumer`, by position and part. Reads the consumer's record; works without a runtime
/// too.
result<std::vector<dead_letter>> dead_letters(const event_store& journal, std::string_view consumer);

}  // namespace tyto

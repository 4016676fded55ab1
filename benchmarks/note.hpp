// The domain that is measured: notes of a fixed size. An event's payload takes 256 bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "tyto/aggregate.hpp"

namespace bench {

inline constexpr std::size_t payload_bytes = 256;

/// What a reference stores for an event: as much as our record's fixed part, the type's and stream's name and payload.
inline constexpr std::size_t record_bytes = 64 + 10 + 10 + payload_bytes;

struct noted {
  std::int64_t number = 0;
  std::string text;
};
TYTO_EVENT(noted, "note.noted", number, text)

struct write_note {
  std::int64_t number = 0;
};
struct look {};

/// The text that makes an event's payload, with its names and heads, as long as it should be.
inline const std::string& note_text() {
  static const std::string text(payload_bytes - 18, 'n');
  return text;
}

struct note {
  static constexpr std::string_view category = "note";
  using command = std::variant<write_note, look>;
  using event = std::variant<noted>;
  struct state {
    std::int64_t sum = 0;
    std::uint64_t events = 0;
  };
  static tyto::decision<event> decide(const state&, const write_note& c) { return noted{c.number, note_text()}; }
  static tyto::decision<event> decide(const state&, const look&) { return tyto::nothing; }
  static state evolve(state s, const noted& e) { return {s.sum + e.number, s.events + 1}; }
};

}  // namespace bench

// What is known about an event besides its content. The aggregate and the store fill it in; handlers read it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tyto/clock.hpp"
#include "tyto/result.hpp"

namespace tyto {

/// The longest persistence id, in bytes.
inline constexpr std::size_t max_persistence_id_bytes = 400;

/// Returns `category|entity`, the name of one stream.
std::string make_persistence_id(std::string_view category, std::string_view entity);

/// Returns the category of a persistence id: what stands before the first `|`.
constexpr std::string_view category_of(std::string_view persistence_id) {
  return persistence_id.substr(0, persistence_id.find('|'));
}

/// Returns the entity of a persistence id: what stands after the first `|`.
constexpr std::string_view entity_id_of(std::string_view persistence_id) {
  return persistence_id.substr(persistence_id.find('|') + 1);
}

/// Fails unless `id` is usable as the name of a stream: `category|entity`, neither empty, at most
/// max_persistence_id_bytes, without NUL bytes.
result<void> check_persistence_id(std::string_view id);

/// An event's surroundings.
struct metadata {
  std::uint64_t position = 0;          // in the journal: counts all events from 1, without gaps, in commit order
  std::string persistence_id = {};     // the stream: `category|entity`
  std::uint64_t sequence_number = 0;   // in the stream: counts from 1
  std::string type = {};               // the stored name of the event's type
  std::uint32_t schema_version = 1;    // of the event's type when it was written
  timestamp time = {};                 // when the aggregate decided it
  std::string command_id = {};         // the command that led to it; empty if the caller gave none
  std::string correlation_id = {};     // shared by everything that one request set off
  std::string causation_id = {};       // what caused the command: for a reaction's, idempotency_key() of the event that
                                       // it reacted to; else what the caller gave
  std::vector<std::string> tags = {};  // given with the command
  std::uint32_t decision_index = 0;    // the event's place among those of one decision …
  std::uint32_t decision_count = 1;    // … and their number: they were stored together
  std::uint32_t part = 0;              // the event's place among those into which an upcaster split a stored one …
  std::uint32_t parts = 1;             // … and their number: they share position and sequence number

  /// Whether no other part of the same stored event follows, as for every event that was not split.
  [[nodiscard]] bool is_last_part() const { return part + 1 == parts; }
  /// The part of the persistence id before the first `|`.
  [[nodiscard]] std::string_view category() const { return category_of(persistence_id); }
  /// The part of the persistence id after the first `|`.
  [[nodiscard]] std::string_view entity_id() const { return entity_id_of(persistence_id); }
  /// Returns what stands for the handling of this event by `consumer`, the same however often it is repeated and in
  /// whatever run: `consumer/position`, followed by `.part` if that is not 0. For effects that a reaction has outside
  /// of the journal, where who gets them can tell a repetition by it: `bank.pay(amount, m.idempotency_key(name))`.
  [[nodiscard]] std::string idempotency_key(std::string_view consumer) const;
};

}  // namespace tyto

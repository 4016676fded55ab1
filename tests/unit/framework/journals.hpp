// Journals in memory that hold what a test says, and what is read from them as plain values.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "tyto/aggregate.hpp"
#include "tyto/event_store.hpp"
#include "tyto/memory_store.hpp"

inline tyto::timestamp second(std::int64_t number) { return tyto::timestamp{std::chrono::seconds{number}}; }

/// One event to be stored, as some version of a program wrote it.
struct written {
  std::string type;
  std::uint32_t version = 1;
  std::string payload = std::string(1, '\x80');
};

template <class E>
written as_written(const E& event) {
  return {std::string{tyto::stored_name<E>}, tyto::schema_version_of<E>(), tyto::to_bytes(event)};
}

/// Stores the events in one stream, in decisions of one event; the event at position n was decided at second n.
inline tyto::result<void> store(tyto::event_store& journal, const std::string& stream,
                                const std::vector<written>& events) {
  for (const auto& each : events) {
    auto write = std::make_shared<tyto::stream_write>();
    write->persistence_id = stream;
    auto& event = write->events.emplace_back();
    event.meta.persistence_id = stream;
    event.meta.type = each.type;
    event.meta.schema_version = each.version;
    event.meta.time = second(static_cast<std::int64_t>(journal.head().value()) + 1);
    event.payload = each.payload;
    auto outcomes = tyto::append_and_wait(journal, {{write}, {}});
    if (auto outcome = std::move(outcomes).value().at(0); !outcome) return outcome;
  }
  return {};
}

/// Removes what `change` says from the stream.
inline void retain(tyto::event_store& journal, const std::string& stream, tyto::retention change) {
  auto write = std::make_shared<tyto::stream_write>();
  write->persistence_id = stream;
  write->retain = std::move(change);
  tyto::append_and_wait(journal, {{write}, {}}).value().at(0).value();
}

/// "position/number.part:type v<version> payload" of each event that is visited.
inline std::string describe(const tyto::event_view& event) {
  const auto& m = event.meta;
  return std::to_string(m.position) + "/" + std::to_string(m.sequence_number) + "." + std::to_string(m.part) + "of" +
         std::to_string(m.parts) + " " + m.type + " v" + std::to_string(m.schema_version) + " " +
         tyto::to_json(event.payload);
}

using descriptions = std::vector<std::string>;

inline descriptions all_of(const tyto::event_store& journal) {
  descriptions seen;
  journal
      .read_all({}, [&](const tyto::event_view& event) { return seen.push_back(describe(event)), tyto::visit::next; })
      .value();
  return seen;
}

inline descriptions stream_of(const tyto::event_store& journal, const std::string& stream) {
  descriptions seen;
  journal
      .read_stream(stream, 1,
                   [&](const tyto::event_view& event) { return seen.push_back(describe(event)), tyto::visit::next; })
      .value();
  return seen;
}

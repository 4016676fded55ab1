// A journal of numbers, two streams in turn: for what reads one.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tyto/codec.hpp"
#include "tyto/event.hpp"
#include "tyto/memory_store.hpp"
#include "tyto/upcasting.hpp"

namespace tyto::test {

struct counted {
  std::uint64_t number = 0;
  std::string note;
};
TYTO_EVENT(counted, "counted", number, note)

inline void append_counted(const storage& to, std::uint64_t events, const std::string& note = {}) {
  const auto head = to.journal->head().value();
  append_batch batch;
  for (std::uint64_t i = head + 1; i <= head + events; ++i) {
    auto write = std::make_shared<stream_write>();
    write->persistence_id = i % 2 == 0 ? "even|x" : "odd|x";
    write->events.resize(1);
    write->events.front().meta.type = "counted";
    write->events.front().payload = to_bytes(counted{i, note});
    batch.writes.push_back(std::move(write));
  }
  append_and_wait(*to.journal, std::move(batch)).value();
}

inline storage journal_of(std::uint64_t events, const std::string& note = {}) {
  auto made = open_memory();
  if (events > 0) append_counted(made, events, note);
  return made;
}

// Each event as two of the same type.
inline storage with_each_split(storage opened) {
  upcasters changes;
  changes.split("counted", 1, [](const document& of) {
    return std::vector<upcasted>{{"half", 1, of}, {"half", 1, of}};
  });
  return upcasting(std::move(opened), changes);
}

inline std::vector<std::uint64_t> positions_of(const std::vector<std::string>& events) {
  std::vector<std::uint64_t> found;
  for (const auto& each : events) found.push_back(nlohmann::json::parse(each)["position"]);
  return found;
}

}  // namespace tyto::test

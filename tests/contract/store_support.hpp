// What the tests of stores share: directories that go away, events to append, and everything read back as plain values.
#pragma once

#include <tyto/lmdb_store.hpp>
#include <tyto/memory_store.hpp>

#include <xxhash.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "support/temporary_directory.hpp"

namespace tyto::test {

/// The stores under one name: what the contract is checked against.
enum class backend { memory, lmdb, lmdb_folding_often };

inline std::string describe(backend kind) {
  switch (kind) {
    case backend::memory:
      return "memory";
    case backend::lmdb:
      return "LMDB";
    case backend::lmdb_folding_often:
      return "LMDB, folding every third event";
  }
  return "?";
}

/// A fresh store. Goes away with its files.
struct fresh_store {
  explicit fresh_store(backend kind) {
    if (kind == backend::memory) {
      opened = open_memory();
    } else {
      lmdb_options options{.path = directory.path() / "store"};
      if (kind == backend::lmdb_folding_often) options.fold_events = 3;
      opened = open_lmdb(options).value();
    }
  }
  temporary_directory directory;
  storage opened;
};

inline recorded_event event_of(std::string type, std::string payload = std::string(1, '\x80')) {
  recorded_event event;
  event.meta.type = std::move(type);
  event.meta.time = timestamp{std::chrono::microseconds{1'700'000'000'000'001}};
  event.payload = std::move(payload);
  return event;
}

inline std::shared_ptr<stream_write> write_of(std::string persistence_id, std::size_t events = 1,
                                              expected_version expected = expected_version::any()) {
  auto write = std::make_shared<stream_write>(stream_write{std::move(persistence_id), expected, {}});
  for (std::size_t i = 0; i < events; ++i) write->events.push_back(event_of("test.happened"));
  return write;
}

inline append_outcomes append_all(event_store& store, std::vector<std::shared_ptr<stream_write>> writes) {
  return append_and_wait(store, {std::move(writes), {}}).value();
}

/// Appends one write and returns its outcome.
inline result<void> append_one(event_store& store, std::shared_ptr<stream_write> write) {
  return append_all(store, {std::move(write)}).at(0);
}

/// A write that changes what is kept of a stream, after `events` more events.
inline std::shared_ptr<stream_write> change_of(std::string id, retention::action what, std::uint64_t first = 0,
                                               std::string base = {}, std::size_t events = 0,
                                               expected_version expected = expected_version::any()) {
  auto write = write_of(std::move(id), events, expected);
  write->retain = retention{what, first, std::move(base)};
  return write;
}

/// Changes what is kept of a stream and returns the outcome.
inline result<void> change(event_store& store, std::string id, retention::action what, std::uint64_t first = 0,
                           std::string base = {}) {
  return append_one(store, change_of(std::move(id), what, first, std::move(base)));
}

struct seen_event {
  metadata meta;
  std::string payload;
};

inline event_visitor collect(std::vector<seen_event>& into) {
  return [&into](const event_view& event) {
    into.push_back({event.meta, std::string{event.payload}});
    return visit::next;
  };
}

inline std::vector<seen_event> read_stream(const event_store& store, std::string_view id, std::uint64_t from = 1) {
  std::vector<seen_event> seen;
  store.read_stream(id, from, collect(seen)).value();
  return seen;
}

inline std::vector<seen_event> read_all(const event_store& store, std::uint64_t from = 1) {
  std::vector<seen_event> seen;
  store.read_all({.from = from}, collect(seen)).value();
  return seen;
}

inline std::vector<std::uint64_t> positions_of(const std::vector<seen_event>& events) {
  std::vector<std::uint64_t> positions;
  for (const auto& event : events) positions.push_back(event.meta.position);
  return positions;
}

using positions = std::vector<std::uint64_t>;

inline std::vector<std::uint64_t> numbers_of(const std::vector<seen_event>& events) {
  std::vector<std::uint64_t> numbers;
  for (const auto& event : events) numbers.push_back(event.meta.sequence_number);
  return numbers;
}

/// Returns the eight bytes of checksum that the record `bytes` must have at `position`.
inline std::string test_checksum(const std::string& bytes, std::uint64_t position) {
  const std::uint64_t checksum = XXH3_64bits_withSeed(bytes.data() + 8, bytes.size() - 8, position);
  return {reinterpret_cast<const char*>(&checksum), sizeof checksum};
}

}  // namespace tyto::test

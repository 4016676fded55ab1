// What the tests of stores share: events to append, and everything read back as plain values.
#pragma once

#include <tyto/lmdb_store.hpp>
#include <tyto/memory_store.hpp>

#include <xxhash.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "support/temporary_directory.hpp"
#include "testing/journal_content.hpp"

namespace tyto::test {

using testing::change_of;
using testing::collect;
using testing::event_of;
using testing::numbers_of;
using testing::positions;
using testing::positions_of;
using testing::read_all;
using testing::read_stream;
using testing::seen_event;
using testing::write_of;

inline append_outcomes append_all(event_store& store, std::vector<std::shared_ptr<stream_write>> writes) {
  return append_and_wait(store, {std::move(writes), {}}).value();
}

/// Appends one write and returns its outcome.
inline result<void> append_one(event_store& store, std::shared_ptr<stream_write> write) {
  return append_all(store, {std::move(write)}).at(0);
}

/// Changes what is kept of a stream and returns the outcome.
inline result<void> change(event_store& store, std::string id, retention::action what, std::uint64_t first = 0,
                           std::string base = {}) {
  return append_one(store, change_of(std::move(id), what, first, std::move(base)));
}

/// Returns the eight bytes of checksum that the record `bytes` must have at `position`.
inline std::string test_checksum(const std::string& bytes, std::uint64_t position) {
  const std::uint64_t checksum = XXH3_64bits_withSeed(bytes.data() + 8, bytes.size() - 8, position);
  return {reinterpret_cast<const char*>(&checksum), sizeof checksum};
}

}  // namespace tyto::test

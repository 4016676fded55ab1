// The port to the journal. The runtime's committer appends through it, aggregates recover and consumers catch up
// through it. memory_store.cpp in persistence/ is the implementation to read first.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tyto/checkpoint.hpp"
#include "tyto/event.hpp"
#include "tyto/event_filter.hpp"
#include "tyto/expected_version.hpp"
#include "tyto/result.hpp"
#include "tyto/retention.hpp"
#include "tyto/storage_condition.hpp"
#include "tyto/visit.hpp"

namespace tyto {

/// The events of one decision: stored together or not at all.
struct stream_write {
  std::string persistence_id;
  expected_version expected = expected_version::any();
  /// At least one, unless `retain` is set. append() fills in where each stands: position, persistence_id,
  /// sequence_number, decision_index and decision_count. All else of the metadata is the caller's, and strings may hold
  /// any bytes.
  std::vector<recorded_event> events;
  std::optional<retention> retain = {};  // what becomes of the stream after them
};

/// What is stored in one transaction.
struct append_batch {
  std::vector<std::shared_ptr<stream_write>> writes;
  std::vector<checkpoint> checkpoints;
};

/// What became of each write of a batch: success, or errc::conflict, or errc::closed, or errc::invalid_argument. A
/// conflict carries the stream's actual version, also where that counts removed events, and its message names the
/// stream: `error{errc::conflict, "appending to " + id}.with(version_conflict{actual})`.
using append_outcomes = std::vector<result<void>>;

/// Called for one event after the other. The event is lent for the call only, and a store may hold a read transaction
/// meanwhile: keep it short.
using event_visitor = std::function<visit(const event_view&)>;

/// A part of a journal: the events from `from` on that `only` takes.
struct journal_range {
  std::uint64_t from = 1;  // a position
  event_filter only = {};
  /// Reading ends when it has passed so many events, whether they were wanted or not: so long a reader holds on to
  /// storage.
  std::uint64_t max_events = std::numeric_limits<std::uint64_t>::max();
  /// Where there are upcasters: the events that these would bring up to date to what `only` takes, but as they are
  /// stored. For who looks for one that cannot be brought up to date.
  bool as_stored = false;
};

/// A journal: many streams in one total order.
///
/// Reads may be called from any thread, also while an append is under way, and see whole batches only. Appends are
/// called by one thread at a time, not always the same one, also before an earlier one has called back, and keep their
/// order.
class event_store {
 public:
  virtual ~event_store() = default;

  /// Called once with the outcomes, in the order of the writes, when they are durable; or with an error, when nothing
  /// of the batch is stored.
  using append_done = std::function<void(result<append_outcomes>)>;

  /// Stores the writes in their order, each atomically, and the checkpoints, in one transaction. A write that its
  /// stream does not take, as its version or its state is, is left out, and the others are stored; one without an event
  /// or a usable name, or with what the store has no room for, likewise. Of two checkpoints of a name the last one
  /// counts, also if it goes back; one that has no usable name, which is not empty and has no NUL byte, fails the batch
  /// with errc::invalid_argument. Calls `done` from any thread, maybe before returning, and holds no lock meanwhile
  /// that a read takes: who is told may read at once.
  virtual void append(append_batch batch, append_done done) = 0;

  /// Visits the events of a stream in order, starting at `from_sequence_number`, and returns what is known of the
  /// stream at that moment. Removed events are not there; a stream without events is empty, not an error, and so is one
  /// whose name is unusable. Fails with
  /// errc::damaged, naming position, stream and type; the events before it have been visited.
  virtual result<stream_info> read_stream(std::string_view persistence_id, std::uint64_t from_sequence_number,
                                          const event_visitor& visitor) const = 0;

  /// Visits the events of `range` in order, but for removed ones. Returns the position up to which there are no others:
  /// that of the last event in the journal, or where the visitor or the range stopped. Fails like read_stream(), also
  /// where a damaged event would not have been wanted: what it is can no longer be told.
  virtual result<std::uint64_t> read_all(const journal_range& range, const event_visitor& visitor) const = 0;

  /// Returns what is known of the stream.
  [[nodiscard]] virtual result<stream_info> info(std::string_view persistence_id) const = 0;

  /// Returns the position of the last event, 0 if there is none.
  [[nodiscard]] virtual result<std::uint64_t> head() const = 0;

  /// Returns the stored checkpoint of the consumer `name`, 0 if there is none; errc::invalid_argument if the name is
  /// one that append() refuses.
  [[nodiscard]] virtual result<std::uint64_t> load_checkpoint(std::string_view name) const = 0;

  /// Returns the stored checkpoints of all consumers, by name.
  [[nodiscard]] virtual result<std::vector<checkpoint>> checkpoints() const = 0;

  /// Returns how many bytes the journal takes where it is stored.
  [[nodiscard]] virtual result<std::uint64_t> size_bytes() const = 0;

  /// Returns how the journal is where it is stored. A store that has nothing to say there leaves it as it is.
  [[nodiscard]] virtual storage_condition condition() const { return {}; }
};

/// Appends one batch and waits until it is durable: for tools and tests.
result<append_outcomes> append_and_wait(event_store& store, append_batch batch);

}  // namespace tyto

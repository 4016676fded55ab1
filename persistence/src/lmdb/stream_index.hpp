// The index of streams on disk, for those who read: which positions up to folded_to() belong to which stream. It lies
// in runs (see run_catalog.hpp), each of which has a part of the positions of many streams. A stream's last event is in
// the newest run that has any of it, and its history goes from the oldest run to the newest.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "lmdb/journal_tables.hpp"
#include "lmdb/key_filter.hpp"
#include "lmdb/lmdb.hpp"
#include "lmdb/old_index.hpp"
#include "lmdb/run_catalog.hpp"
#include "lmdb/run_reader.hpp"
#include "lmdb/stream_name.hpp"
#include "tyto/result.hpp"

namespace tyto {

/// A run's filter, loaded when it is first asked for and shared by all who read. It is the run's door, too: before it
/// is loaded, the run's table is asked whether it is that run. Safe to use from any thread.
class shared_filter {
 public:
  result<const key_filter*> get(const lmdb::transaction& transaction, lmdb::table table, const index_run& of);
  /// Returns nothing if it has not been asked for.
  [[nodiscard]] const key_filter* if_loaded() const {
    return is_loaded_.load(std::memory_order_acquire) ? &*filter_ : nullptr;
  }

 private:
  std::mutex mutex_;
  std::optional<key_filter> filter_;
  std::atomic<bool> is_loaded_ = false;
};

/// The runs that count at some moment.
struct index_state {
  struct indexed_run {
    index_run where;
    std::shared_ptr<shared_filter> filter;
  };
  run_catalog catalog;
  std::vector<indexed_run> runs;
};

/// The index as one transaction sees it, which it must not outlive.
class index_view {
 public:
  index_view(const lmdb::transaction& transaction, const journal_tables& tables,
             std::shared_ptr<const index_state> state)
      : transaction_(transaction), tables_(tables), state_(std::move(state)) {}

  /// See run_catalog::can_be_read_in(). If not, nothing else may be asked.
  [[nodiscard]] bool can_be_read() const { return state_->catalog.can_be_read_in(tables_); }
  [[nodiscard]] std::uint64_t folded_to() const { return state_->catalog.folded_to(); }
  /// Returns the position up to which what it says has no checksum, and has to be checked against the events.
  [[nodiscard]] std::uint64_t unsealed_to() const;
  /// Returns a stream's last event. Fails with errc::damaged.
  [[nodiscard]] result<last_event> last(const stream_name& stream) const;

  [[nodiscard]] const std::vector<index_state::indexed_run>& runs() const { return state_->runs; }
  /// Returns whether `run`, which is none of format 1, may hold something of a stream.
  [[nodiscard]] result<bool> may_hold(const index_state::indexed_run& run, const stream_name& stream) const;
  [[nodiscard]] const lmdb::transaction& transaction() const { return transaction_; }
  [[nodiscard]] const journal_tables& tables() const { return tables_; }

 private:
  const lmdb::transaction& transaction_;
  const journal_tables& tables_;
  std::shared_ptr<const index_state> state_;
};

/// Goes along one stream's positions.
class stream_history {
 public:
  stream_history(const index_view& index, const stream_name& stream) : index_(index), stream_(stream) {}

  /// Returns the positions of some events that hold `from`, or of the first ones after it; none if there are none.
  result<stream_positions> seek(std::uint64_t from);
  /// Returns the positions of the events after the last ones returned, likewise.
  result<stream_positions> next();

 private:
  // Returns what the run number `run_` or a later one has.
  result<stream_positions> find();
  result<bool> open_run();

  const index_view& index_;
  stream_name stream_;
  std::uint64_t from_ = 0;
  std::size_t run_ = 0;
  run_key key_{stream_.id, stream_.hash, 0};
  std::variant<std::monostate, old_index_reader, run_reader> reader_;
};

/// The index of a journal: what is kept of it in memory for all transactions. Safe to use from any thread.
class stream_index {
 public:
  /// Returns the index as a transaction sees it. Fails with errc::damaged.
  result<index_view> view(const lmdb::transaction& transaction, const journal_tables& tables);

 private:
  std::mutex mutex_;
  std::string stored_;  // the catalog that `state_` was made from
  std::shared_ptr<const index_state> state_ = std::make_shared<index_state>();
};

}  // namespace tyto

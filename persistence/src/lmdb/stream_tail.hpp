// The index of the journal's tail, in memory: which positions beyond those that the index on disk covers belong to
// which stream. It is filled from the events and has two generations: the active one grows; when it is full it becomes
// the folding one, which stays as it is while each of the following appends writes a part of it to a run. Once all of
// it is there, the run counts, and the generation is forgotten.
//
// One rule: who reads a stream takes its part of the tail first, begins the transaction after that, and then uses of
// the index on disk only what comes before that part. A fold that ends between the two steps moves the part into a run
// without changing it, so the reader misses nothing and sees nothing twice. The other order would lose a part whose
// fold ends after the transaction began.
//
// A batch is shown in the tail just before it is committed, because nobody who has seen it in a transaction may look in
// vain afterwards. Whoever began their transaction too early for it leaves it out.
//
// A crash loses what has been folded half: the tail, rebuilt from the events, holds all of it and is folded anew, as
// one generation.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lmdb/run_writer.hpp"
#include "lmdb/stream_name.hpp"

namespace tyto {

/// Which of consecutive positions belong to which stream. Not synchronised.
///
/// It takes a few allocations however many streams there are: the names lie one after the other, and a stream's
/// positions are linked backwards, one number for each position.
class stream_runs {
 public:
  /// Begins after `position`.
  explicit stream_runs(std::uint64_t position = 0) : begin_(position) {}

  /// Adds the next position; returns false if its event is not the next one of its stream.
  bool add(const stream_name& name, std::uint64_t sequence_number);
  /// Adds positions whose events were removed.
  void skip(std::uint64_t positions);
  /// Adds positions that begin where these end, and events that follow those of their streams.
  void add(const stream_runs& following);

  struct run {
    std::uint64_t first = 0;  // the sequence number of its first event
    std::uint32_t count = 0;
    std::uint32_t last = 0;  // where its last position is linked
    [[nodiscard]] std::uint64_t version() const { return first + count - 1; }
  };
  /// Returns the stream's run, or nullptr.
  [[nodiscard]] const run* find(const stream_name& name) const;
  /// Writes the run's positions to the memory that ends at `end`, from the last one backwards, as far as the event
  /// `from`.
  void copy_positions(const run& of, std::uint64_t from, std::uint64_t* end) const;

  /// The last position, or the one to begin after.
  [[nodiscard]] std::uint64_t end_position() const { return begin_ + links_.size(); }
  /// Returns how many positions there are, with those whose events were removed.
  [[nodiscard]] std::uint64_t events() const { return links_.size(); }
  [[nodiscard]] std::size_t streams() const { return streams_.size(); }

  /// Visits streams in the order of runs, by hash and name, and knows how far it is. Copy it to be able to go back.
  class walk;

 private:
  struct stream : run {
    std::uint64_t hash = 0;
    std::uint64_t name_offset = 0;
    std::uint32_t name_bytes = 0;
  };
  [[nodiscard]] std::string_view name_of(const stream& s) const {
    return std::string_view{names_}.substr(s.name_offset, s.name_bytes);
  }
  [[nodiscard]] std::pair<std::uint64_t, std::string_view> order_of(std::uint32_t number) const {
    return {streams_[number].hash, name_of(streams_[number])};
  }
  [[nodiscard]] std::size_t slot_of(const stream_name& name) const;
  stream& find_or_add(const stream_name& name, std::uint64_t first);
  void grow();
  void keep_sorted();

  std::uint64_t begin_;
  std::vector<std::uint32_t> links_;  // for each position that of the stream's event before it, or `none`
  std::vector<stream> streams_;
  std::string names_;
  std::vector<std::uint32_t> slots_;  // a hash table: the number of a stream plus one, or 0
  // The numbers of streams. Each full chunk is sorted as soon as it is full, so that no single append has to sort them
  // all.
  std::vector<std::uint32_t> sorted_;
};

class stream_runs::walk {
 public:
  walk() = default;
  explicit walk(const stream_runs& over);

  /// Returns the next stream's name and run; there must be one.
  std::pair<stream_name, const run*> next();
  [[nodiscard]] bool at_end() const { return heads_.empty(); }

 private:
  struct head {
    std::uint32_t at;
    std::uint32_t end;
  };
  [[nodiscard]] auto order_of(const head& h) const { return over_->order_of(over_->sorted_[h.at]); }
  const stream_runs* over_ = nullptr;
  std::vector<head> heads_;  // what is left of each sorted chunk: a heap, the first stream on top
};

/// The index of the events above folded_to(), up to indexed_to(). Safe to call from any thread; changed by one at a
/// time, which is also the one that folds.
class stream_tail {
 public:
  /// What one append has written of the folding generation. It counts once the append is committed.
  struct fold_step {
    std::optional<stream_runs::walk> rest;  // nothing if it has written nothing

    [[nodiscard]] bool is_last() const { return rest && rest->at_end(); }
  };

  /// What is known of a stream: its version, 0 if the tail has none of its events, and those from some number on.
  struct part {
    std::uint64_t version = 0;
    stream_positions run;

    /// Forgets what a transaction whose last position is `head` does not see.
    void limit_to(std::uint64_t head);

    // Of the published batch: its end, if it has events of this stream, else 0; the version without it; and how many
    // batches had been withdrawn before.
    std::uint64_t published_end = 0;
    std::uint64_t settled_version = 0;
    std::uint64_t withdrawn = 0;
  };
  [[nodiscard]] part copy(const stream_name& stream, std::uint64_t from_sequence_number) const;
  /// Returns the version without the published batch.
  [[nodiscard]] std::uint64_t version(const stream_name& stream) const;

  /// Adds the next event; returns false if it does not continue its stream.
  bool add(const stream_name& stream, std::uint64_t sequence_number);
  /// The events up to `position` that have not been added were removed.
  void skip_to(std::uint64_t position);
  /// Shows a batch, which begins after indexed_to(), to readers before it is committed: who has seen it in a
  /// transaction finds it here too. Must be followed by settle() or withdraw(), until which the batch is borrowed.
  void publish(const stream_runs& batch);
  /// The published batch is committed, and so is what `step` says.
  void settle(fold_step step);
  /// The published batch is not committed.
  void withdraw();
  /// Returns how many batches have been withdrawn: others have their positions by now.
  [[nodiscard]] std::uint64_t withdrawn() const;
  /// Forgets everything, because the index on disk has it up to `folded_to`.
  void clear(std::uint64_t folded_to);

  [[nodiscard]] std::uint64_t folded_to() const;
  [[nodiscard]] std::uint64_t indexed_to() const;

  /// Makes the active generation the folding one if it has `fold_events` or more and nothing else is being folded.
  void begin_fold(std::uint64_t fold_events);

  /// What is being folded.
  struct folding {
    std::size_t streams = 0;
    std::uint64_t up_to = 0;  // its last position
  };
  [[nodiscard]] std::optional<folding> being_folded() const;
  /// Writes entries of what is being folded to its run, for an append of `events` events: so many that the fold ends
  /// long before the active generation is full. Returns LMDB's code.
  int fold(run_writer& into, std::uint64_t events, fold_step& step) const;

 private:
  struct folding_generation {
    stream_runs runs;
    stream_runs::walk rest;      // what is left to write
    std::uint64_t room = 0;      // how many events the tail had room for when the fold began
    std::uint64_t at_least = 0;  // how many entries an append writes at least
  };
  [[nodiscard]] static std::uint64_t entries_due(const folding_generation& generation, std::uint64_t events);

  mutable std::shared_mutex mutex_;
  std::uint64_t folded_to_ = 0;
  std::unique_ptr<folding_generation> folding_;
  stream_runs active_;
  const stream_runs* published_ = nullptr;
  std::uint64_t withdrawn_ = 0;
};

}  // namespace tyto

// Which positions of the journal belong to which stream. Up to the position `folded_to` the answer lies in the table
// `streams`, beyond it, for the journal's tail, in memory: filled from the events, folded into the table now and then.
//
// Who reads a stream takes the part in memory first, begins the read transaction after that, and then uses the table's
// entries below that part. A fold that comes between the two steps moves the part into the table without changing it,
// so the reader, who uses the copy, misses nothing and sees nothing twice. The other order would lose a part that is
// folded after the transaction began and cleared before it was copied.
#pragma once

#include <cstdint>
#include <functional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "lmdb.hpp"
#include "tyto/result.hpp"

namespace tyto {

/// The positions of consecutive events of one stream.
struct stream_run {
  std::uint64_t first = 0;  // the sequence number of the first of them
  std::vector<std::uint64_t> positions;

  /// The sequence number of the last of them, 0 if there is none.
  [[nodiscard]] std::uint64_t version() const { return positions.empty() ? 0 : first + positions.size() - 1; }
};

/// Runs of any number of streams. Not synchronised.
class stream_runs {
 public:
  /// Adds an event; returns false if it is not the next one of its stream.
  bool add(std::string_view persistence_id, std::uint64_t sequence_number, std::uint64_t position);
  /// Adds events that follow those of their stream.
  void add(const std::string& persistence_id, const stream_run& following);
  /// Returns the stream's run, or nullptr.
  [[nodiscard]] const stream_run* find(std::string_view persistence_id) const;
  [[nodiscard]] std::uint64_t events() const { return events_; }
  void clear() { runs_.clear(), events_ = 0; }

  [[nodiscard]] auto begin() const { return runs_.begin(); }
  [[nodiscard]] auto end() const { return runs_.end(); }

 private:
  struct hash {
    using is_transparent = void;
    // Not noexcept: libstdc++ then keeps the hashes, instead of computing them again along the chains.
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  std::unordered_map<std::string, stream_run, hash, std::equal_to<>> runs_;
  std::uint64_t events_ = 0;
};

/// The index of the journal's tail: of the events above `folded_to`, up to indexed_to(). Safe to call from any thread.
class stream_tail {
 public:
  /// What is known of a stream: its version, 0 if the tail has none of its events, and those from some number on.
  struct part {
    std::uint64_t version = 0;
    stream_run run;
  };
  [[nodiscard]] part copy(std::string_view persistence_id, std::uint64_t from_sequence_number) const;

  /// Adds a batch that ends at `position`.
  void add(const stream_runs& batch, std::uint64_t position);
  /// Adds one event; returns false if it does not continue its stream.
  bool add(std::string_view persistence_id, std::uint64_t sequence_number, std::uint64_t position);
  /// Forgets everything, because the table has it up to `folded_to`.
  void clear(std::uint64_t folded_to);

  [[nodiscard]] std::uint64_t events() const;
  [[nodiscard]] std::uint64_t folded_to() const;
  [[nodiscard]] std::uint64_t indexed_to() const;

  /// Writes the tail and the `batch` that follows it to the table `streams`: one entry for each stream, in the order of
  /// the keys. Returns LMDB's code.
  int fold(lmdb::transaction& transaction, lmdb::table streams, const stream_runs& batch) const;

 private:
  mutable std::shared_mutex mutex_;
  stream_runs runs_;
  std::uint64_t folded_to_ = 0;
  std::uint64_t indexed_to_ = 0;
};

/// Reads one stream's entries in the table `streams`, as of a transaction.
class stream_entries {
 public:
  stream_entries(const lmdb::transaction& transaction, lmdb::table streams, std::string_view persistence_id);

  /// Returns the stream's last sequence number according to the table, 0 if it has no entry.
  result<std::uint64_t> version();

  /// Positions in stored form (u64, little-endian), beginning with that of `first`; none after the last entry.
  struct entry {
    std::uint64_t first = 0;
    std::string_view positions;
  };
  /// Returns the entry that holds `from`, or the first one after it.
  result<entry> seek(std::uint64_t from);
  /// Returns the entry after the last one returned.
  result<entry> next();

 private:
  // Returns the last entry whose key is below that of `from`.
  result<entry> seek_below(std::uint64_t from);
  [[nodiscard]] bool belongs() const;
  [[nodiscard]] result<entry> current(int code) const;
  [[nodiscard]] std::string_view key(std::uint64_t first);
  [[nodiscard]] error failure(int code) const;

  lmdb::cursor cursor_;
  std::string key_;  // persistence id, NUL, and eight bytes that key() fills in
  std::size_t prefix_bytes_;
};

}  // namespace tyto

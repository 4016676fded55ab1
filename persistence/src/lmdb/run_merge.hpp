// Merges runs into one. Their entries come in the order of their keys, so of a name those of the older run first; small
// neighbours are joined. A merge goes on over many transactions: where it is, the run that it writes says itself.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lmdb/lmdb.hpp"
#include "lmdb/run_entry.hpp"
#include "lmdb/run_writer.hpp"

namespace tyto {

/// Goes along several runs as if they were one.
class merged_entries {
 public:
  merged_entries(const lmdb::transaction& transaction, std::span<const lmdb::table> runs);

  /// Moves to the first entry whose key is not less than `key`, or to the first of all if that is empty. Returns LMDB's
  /// code: MDB_NOTFOUND behind the last entry, MDB_CORRUPTED at one that is damaged.
  int seek(std::string_view key);
  /// Moves to the next entry, likewise.
  int next();

  [[nodiscard]] std::string_view key_bytes() const { return first_->cursor.key(); }
  [[nodiscard]] const run_key::parts& key() const { return key_; }
  [[nodiscard]] const packed_positions& positions() const { return positions_; }

 private:
  struct source {
    source(const lmdb::transaction& transaction, lmdb::table run) : cursor(transaction, run) {}
    lmdb::cursor cursor;
    bool is_at_end = false;
  };
  [[nodiscard]] static bool is_whole(const lmdb::cursor& at);
  static int arrive(source& at, int code);
  static int seek(source& at, std::string_view key);
  int choose();

  std::vector<std::unique_ptr<source>> sources_;
  source* first_ = nullptr;
  run_key::parts key_;
  packed_positions positions_;
};

/// Writes entries that come in order, those of one name joined as far as one may grow.
class joining_writer {
 public:
  explicit joining_writer(run_writer& into) : into_(into) {}

  /// Whether these positions would go into the entry that is in hand. If not, it is a good place to stop.
  [[nodiscard]] bool joins(const run_key::parts& key, const packed_positions& positions) const;
  /// Adds consecutive positions of a name. Returns LMDB's code.
  int add(const run_key::parts& key, const packed_positions& positions);
  int flush();

 private:
  run_writer& into_;
  std::string name_;
  std::uint64_t hash_ = 0;
  std::uint64_t number_ = 0;
  position_packer positions_;
};

/// How much of its sources one step of a merge takes; it ends with whichever is reached first.
struct merge_share {
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;
};

/// Does a step of the merge of `sources` into the run that `into` writes. `is_done` says whether the run is finished.
/// Where an entry is damaged, the merge stops before it for good, and what the sources hold stays where it is: whoever
/// needs the entry is told. Returns LMDB's code.
int merge_step(const lmdb::transaction& transaction, std::span<const lmdb::table> sources, run_writer& into,
               const merge_share& share, bool& is_done);

}  // namespace tyto

// Writes a run, entry after entry and piece after piece of its filter, over as many transactions as it takes: what a
// transaction before has written is found in the table.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lmdb/key_filter.hpp"
#include "lmdb/lmdb.hpp"
#include "lmdb/run_entry.hpp"

namespace tyto {

/// The functions return LMDB's code. Use one at a time for a table.
class run_writer {
 public:
  run_writer(lmdb::transaction& transaction, lmdb::table table, filter_shape shape);

  /// Shows the last entry; its key is empty if there is none. Lent until the next call.
  int last(std::string_view& key, std::string_view& value);
  /// Adds an entry, whose key is the highest so far.
  int add(const run_key& key, std::uint64_t hash, const position_packer& positions);
  /// Stores what is in hand: before the transaction is committed.
  int flush();
  /// The run has all of its entries. Stores what is in hand and what is missing of the filter.
  int finish();

  /// How many entries and bytes this writer has added.
  [[nodiscard]] std::uint64_t entries() const { return entries_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  int find_place();
  int begin_pieces(std::uint32_t up_to);
  int put_piece(bool is_finished);

  lmdb::cursor cursor_;
  filter_shape shape_;
  bool has_place_ = false;
  std::optional<filter_piece> piece_;  // the last one that has been begun
  std::uint64_t entries_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace tyto

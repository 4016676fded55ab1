// Which runs make up an index: which table holds which, which positions each covers, and which of them count. One
// sealed value, so that it changes as a whole, in the transaction that has made it true. docs/storage-format.md has its
// form.
//
// A run counts once it is complete. The complete runs cover all positions from 1 up to `folded_to()`, each once, oldest
// first. A run that is being written, by a fold or by a merge of complete ones, stands in the catalog too, so that its
// table is taken and a merge can go on after the process has ended; nobody reads it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "lmdb/journal_tables.hpp"
#include "lmdb/key_filter.hpp"
#include "lmdb/lmdb.hpp"
#include "tyto/result.hpp"

namespace tyto {

struct index_run {
  std::uint8_t slot = 0;   // which of the pool's tables
  std::uint8_t level = 0;  // 0 for what a fold has written; runs of a level merge into one of the next
  std::uint32_t filter_blocks = 0;
  std::uint64_t after = 0;  // it covers the positions after this one
  std::uint64_t up_to = 0;  // up to and with this one

  [[nodiscard]] filter_shape shape() const { return filter_shape{filter_blocks}; }
  /// Whether it is the index of format 1, in the table `streams`: the oldest run, with a form of its own, never merged.
  [[nodiscard]] bool is_old_index() const { return slot == old_index_slot; }

  static constexpr std::uint8_t old_index_slot = 0xff;
  static constexpr std::uint8_t level_max = 0xff;
};

class run_catalog {
 public:
  /// Returns what the transaction sees. In a journal of format 1, that is the old index alone. Fails with
  /// errc::damaged.
  static result<run_catalog> read(const lmdb::transaction& transaction, const journal_tables& tables);
  /// Stores it. Returns LMDB's code.
  int write(lmdb::transaction& transaction, const journal_tables& tables) const;

  /// The complete runs, oldest first.
  [[nodiscard]] const std::vector<index_run>& complete() const { return complete_; }
  /// Those that are being written.
  [[nodiscard]] const std::vector<index_run>& unfinished() const { return unfinished_; }
  /// Returns the position up to which the index is complete.
  [[nodiscard]] std::uint64_t folded_to() const { return complete_.empty() ? 0 : complete_.back().up_to; }
  [[nodiscard]] bool has(std::uint8_t slot) const;
  /// Returns whether the tables of its runs are open. They are not where the journal was opened for reading while it
  /// had none, and somebody writes it by now.
  [[nodiscard]] bool can_be_read_in(const journal_tables& tables) const;

  /// Adds the index of format 1.
  void add_old_index(std::uint64_t folded_to);
  /// Begins a run in a free table, if more than `spare` are free. What is returned is valid until the next change.
  const index_run* begin(std::uint8_t level, std::uint64_t after, std::uint64_t up_to, filter_shape shape,
                         std::size_t spare);
  /// An unfinished run is complete: it takes the place of the runs that it covers. Their tables must be emptied.
  void complete(const index_run& written);
  /// Forgets an unfinished run.
  void forget(const index_run& unfinished);

  /// Returns the run that a fold is writing.
  [[nodiscard]] std::optional<index_run> being_folded() const;
  /// Returns the complete runs that `merged` covers.
  [[nodiscard]] std::vector<index_run> sources_of(const index_run& merged) const;
  /// Returns the oldest neighbours that are to be merged and are not yet: none, or as many of one level as a merge
  /// takes.
  [[nodiscard]] std::vector<index_run> next_to_merge() const;

 private:
  [[nodiscard]] bool is_consistent() const;

  std::vector<index_run> complete_;
  std::vector<index_run> unfinished_;
};

}  // namespace tyto

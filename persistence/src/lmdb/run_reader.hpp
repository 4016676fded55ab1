// Looks for one name in one run. Each entry that it shows has passed its checksum, and so have the neighbours of the
// place where an entry is missing: an entry whose name was damaged is next to where it should be.
#pragma once

#include <cstdint>
#include <optional>

#include "lmdb/lmdb.hpp"
#include "lmdb/run_catalog.hpp"
#include "lmdb/run_entry.hpp"
#include "lmdb/stream_name.hpp"
#include "tyto/result.hpp"

namespace tyto {

class run_reader {
 public:
  /// `key` is one of the name's, of whatever number; lent, and changed.
  run_reader(const lmdb::transaction& transaction, lmdb::table table, const index_run& run, run_key& key)
      : cursor_(transaction, table), after_(run.after), up_to_(run.up_to), key_(key) {}

  /// Returns the name's last event in the run, 0 and 0 if it has none.
  result<last_event> last();
  /// Returns the entry that holds `from`, or the first one after it; without positions if there is none.
  result<stream_positions> seek(std::uint64_t from);
  /// Returns the entry after the last one returned, likewise.
  result<stream_positions> next();

 private:
  [[nodiscard]] result<stream_positions> shown(int code) const;
  // Fails if the cursor stands at an entry that is damaged.
  [[nodiscard]] result<void> check_neighbour(int code) const;
  [[nodiscard]] error damaged() const;
  [[nodiscard]] error failure(int code) const;

  // Returns the positions of the entry at the cursor, or nothing if it is damaged or none of this run's.
  [[nodiscard]] std::optional<packed_positions> unpacked() const;

  lmdb::cursor cursor_;
  std::uint64_t after_;
  std::uint64_t up_to_;
  run_key& key_;
};

}  // namespace tyto

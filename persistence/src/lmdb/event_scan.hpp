// Going along a journal's events in order, over the gaps that compactions have left: the table `removed` tells these
// from damage. That table is written while a compaction copies the journal, and never changes afterwards.
#pragma once

#include <cstdint>
#include <string_view>

#include "lmdb/journal_tables.hpp"
#include "lmdb/lmdb.hpp"
#include "tyto/result.hpp"

namespace tyto {

class event_scan {
 public:
  event_scan(const lmdb::transaction& transaction, const journal_tables& tables);

  /// Moves to the first event at or after `from`. Returns whether there is one. Fails with errc::damaged if events are
  /// missing on the way.
  result<bool> begin(std::uint64_t from);
  /// Moves to the next event, likewise.
  result<bool> next();

  /// The event's position. At the end, the first position that neither an event nor a removed one has.
  [[nodiscard]] std::uint64_t position() const { return position_; }
  /// The event's stored form.
  [[nodiscard]] std::string_view bytes() const { return cursor_.value(); }

 private:
  result<bool> arrive(int code);
  [[nodiscard]] result<std::uint64_t> removed_after(std::uint64_t position) const;
  // Returns the first position from `position_` on that was not removed.
  [[nodiscard]] result<std::uint64_t> skip_removed() const;

  const lmdb::transaction& transaction_;
  lmdb::table removed_;
  lmdb::cursor cursor_;
  std::uint64_t position_ = 0;
};

/// Returns the position after the removed events of the entry of the table `removed` where `range` stands.
result<std::uint64_t> removed_end(const lmdb::cursor& range);

/// Returns the error for an event that should be at `position`.
error missing_event(std::uint64_t position, std::string_view why);

/// Returns the last position of the journal, also if its event was removed; 0 if there was none.
result<std::uint64_t> last_position(const lmdb::transaction& transaction, const journal_tables& tables);

}  // namespace tyto

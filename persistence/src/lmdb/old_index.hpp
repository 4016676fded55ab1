// The index of streams of format 1, in the table `streams`: what a journal that was written then has of its index when
// it is opened now. Nothing is added to it. It may hold entries *early*, which tell of positions beyond where it is
// complete; they count for nothing. It has no checksums: what it says has to be checked against the events.
#pragma once

#include <cstdint>

#include "lmdb/lmdb.hpp"
#include "lmdb/stream_key.hpp"
#include "lmdb/stream_name.hpp"
#include "tyto/result.hpp"

namespace tyto {

/// Reads one stream's entries, up to the position `complete_to`.
class old_index_reader {
 public:
  old_index_reader(const lmdb::transaction& transaction, lmdb::table streams, std::string_view persistence_id,
                   std::uint64_t complete_to);

  /// Returns the stream's last event, 0 and 0 if it has none.
  result<last_event> last();
  /// Returns the entry that holds `from`, or the first one after it; without positions if there is none.
  result<stream_positions> seek(std::uint64_t from);
  /// Returns the entry after the last one returned, likewise.
  result<stream_positions> next();

  /// Returns the positions in a value, none if it is not made of any.
  static std::vector<std::uint64_t> positions_in(std::string_view value);

 private:
  // Returns the last entry whose key is below that of `from`.
  result<stream_positions> seek_below(std::uint64_t from);
  [[nodiscard]] result<stream_positions> shown(int code) const;
  [[nodiscard]] error failure(int code) const;

  lmdb::cursor cursor_;
  stream_key key_;
  std::uint64_t complete_to_;
};

}  // namespace tyto

// The journal's table of streams of which something was closed, truncated or deleted. Appends write rows, every read
// looks into it: what a row takes away is out of reach at once, though its bytes stay until the journal is compacted.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lmdb/lmdb.hpp"
#include "tyto/metadata.hpp"
#include "tyto/result.hpp"
#include "tyto/retention.hpp"

namespace tyto {

/// The rows as one transaction sees them.
class retention_rows {
 public:
  /// `table` is 0 where there is none: a journal that was made before there were rows, opened for reading.
  retention_rows(const lmdb::transaction& transaction, lmdb::table table);

  /// Adds to `known`, which holds the version that the index knows, what the stream's row says. Fails with
  /// errc::damaged.
  result<void> complete(std::string_view persistence_id, stream_info& known) const;

  /// Returns the first sequence number of the stream that was not removed.
  result<std::uint64_t> first_kept(std::string_view persistence_id);

  /// Writes the stream's row. Returns LMDB's code.
  static int put(lmdb::transaction& transaction, lmdb::table table, std::string_view persistence_id,
                 const stream_info& known);

 private:
  const lmdb::transaction& transaction_;
  lmdb::table table_;
  bool is_empty_;        // as nearly always: then nobody has to look
  std::string last_id_;  // first_kept() is asked for one event after the other
  std::uint64_t last_first_ = 1;
};

}  // namespace tyto

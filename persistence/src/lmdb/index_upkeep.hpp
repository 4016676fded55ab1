// What an append does for the index of streams, in its own transaction: it writes a part of the run that is being
// folded from the tail, and a part of each run into which others are being merged. Each part is in proportion to what
// is appended, so that no append is much slower than others, and a run is done before the next one of its kind is due.
#pragma once

#include <cstdint>

#include "lmdb/journal_tables.hpp"
#include "lmdb/lmdb.hpp"
#include "lmdb/stream_tail.hpp"
#include "tyto/result.hpp"

namespace tyto {

/// Opens the index for writing: gives up what a fold has left that did not come to its end.
result<void> tidy_index(lmdb::environment& environment, const journal_tables& tables);

/// Writes a part for an append of `events` events, the last of which is at `head`. What `step` says of the tail is true
/// when the transaction is committed. Fails with errc::damaged if the catalog is.
result<void> advance_index(lmdb::transaction& transaction, const journal_tables& tables, const stream_tail& tail,
                           std::uint64_t events, std::uint64_t head, stream_tail::fold_step& step);

}  // namespace tyto

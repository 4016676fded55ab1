// Copies a journal without the events that were removed: what a compaction begins with.
#pragma once

#include "lmdb/journal_tables.hpp"
#include "lmdb/lmdb.hpp"
#include "tyto/result.hpp"

namespace tyto {

/// Copies what `from` sees of the tables `theirs` to `into`, which must be empty: the events that are kept, the index
/// without removed ones, and everything of the other tables. Which positions are missing
/// stands in the copy's table `removed`. Fails with errc::damaged where the journal is, naming it: which of its events
/// were removed cannot be told then.
result<void> copy_kept(const lmdb::transaction& from, const journal_tables& theirs, lmdb::environment& into);

}  // namespace tyto

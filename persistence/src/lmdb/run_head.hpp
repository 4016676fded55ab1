// The head of a run: the first entry of its table says which positions it covers, as the catalog does. So a table that
// holds another run than the catalog says is not taken for it.
#pragma once

#include "lmdb/lmdb.hpp"
#include "lmdb/run_catalog.hpp"
#include "tyto/result.hpp"

namespace tyto {

/// Writes the head to an empty table. Returns LMDB's code.
int put_run_head(lmdb::transaction& transaction, lmdb::table table, const index_run& run);

/// Fails with errc::damaged if `table` does not hold `run`.
result<void> check_run_head(const lmdb::transaction& transaction, lmdb::table table, const index_run& run);

/// Returns whether `key` is that of a head.
bool is_run_head(std::string_view key);

}  // namespace tyto

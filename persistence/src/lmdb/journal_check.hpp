// Reads all that a journal holds, as one transaction sees it, and says what is damaged: what verify() does once the
// pages are known to be sound.
#pragma once

#include "lmdb/finding_list.hpp"
#include "lmdb/journal_tables.hpp"
#include "lmdb/lmdb.hpp"
#include "tyto/result.hpp"

namespace tyto {

/// Adds to `found` what is damaged, and to its report how much there is. Returns the journal's last position. Fails if
/// LMDB does.
result<std::uint64_t> check_journal(const lmdb::transaction& transaction, const journal_tables& tables,
                                    finding_list& found);

}  // namespace tyto

// A journal with everything that one can hold, an older copy of it, and what can be read of it as one text to compare.
#pragma once

#include <tyto/lmdb_store.hpp>

#include <filesystem>
#include <set>
#include <string>

#include "contract/store_support.hpp"

namespace tyto::test {

/// Where test journals keep their streams: all of those that damage_journal() writes.
inline std::set<std::string> damage_streams() {
  std::set<std::string> streams;
  for (int i = 0; i < 40; ++i) streams.insert("order|" + std::to_string(i));
  return streams;
}

/// Writes a journal to `path`, and to `older` what it was some appends before its end: entries of the index that are
/// complete and early, a tail, truncated, closed and deleted streams, events that a compaction has left out, values on
/// overflow pages, checkpoints, read models, snapshots.
void write_damage_journal(const std::filesystem::path& path, const std::filesystem::path& older);

/// Opens the journal in `path` and reads all that is in it. Fails like these.
result<std::string> read_damage_journal(const lmdb_options& options);

}  // namespace tyto::test

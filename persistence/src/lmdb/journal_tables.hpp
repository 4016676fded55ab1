// The tables of a journal's environment; docs/storage-format.md describes what is in them.
#pragma once

#include <array>
#include <cstddef>
#include <string>

#include "lmdb/lmdb.hpp"
#include "lmdb/storage_layout.hpp"
#include "tyto/result.hpp"

namespace tyto {

struct journal_tables {
  lmdb::table meta = 0;
  lmdb::table events = 0;
  lmdb::table streams = 0;  // the index of streams of format 1
  lmdb::table checkpoints = 0;
  lmdb::table retention = 0;                       // 0 in journals from before there was any, opened for reading
  lmdb::table removed = 0;                         // likewise
  std::array<lmdb::table, run_tables_max> runs{};  // likewise, in those of format 1

  [[nodiscard]] bool has_runs() const { return runs.back() != 0; }
};

/// Returns the name of one of the tables that hold runs.
std::string run_table_name(std::size_t slot);

/// Opens the tables, and creates those that are missing unless the environment is opened for reading.
result<journal_tables> open_journal_tables(lmdb::environment& environment, bool read_only);

}  // namespace tyto

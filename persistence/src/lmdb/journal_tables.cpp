#include "lmdb/journal_tables.hpp"

#include <fmt/format.h>

namespace tyto {

std::string run_table_name(std::size_t slot) { return fmt::format("run{:02}", slot); }

result<journal_tables> open_journal_tables(lmdb::environment& environment, bool read_only) {
  journal_tables tables;
  auto opened = environment.with_tables(!read_only, [&](lmdb::transaction& transaction) -> result<void> {
    const unsigned create = read_only ? 0 : MDB_CREATE;
    int code = transaction.open_table("meta", create, tables.meta);
    if (code == 0) code = transaction.open_table("events", create | MDB_INTEGERKEY, tables.events);
    if (code == 0) code = transaction.open_table("streams", create, tables.streams);
    if (code == 0) code = transaction.open_table("checkpoints", create, tables.checkpoints);
    if (code == 0) code = transaction.open_table("retention", create, tables.retention);
    if (code == 0) code = transaction.open_table("removed", create | MDB_INTEGERKEY, tables.removed);
    for (std::size_t slot = 0; code == 0 && slot < tables.runs.size(); ++slot) {
      code = transaction.open_table(run_table_name(slot).c_str(), create, tables.runs[slot]);
    }
    if (code == MDB_NOTFOUND && read_only && tables.checkpoints != 0) return {};
    if (code == 0) return {};
    return lmdb::to_error(code, fmt::format("opening the tables of '{}'", environment.directory().string()));
  });
  if (!opened) return std::move(opened).error();
  return tables;
}

}  // namespace tyto

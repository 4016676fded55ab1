// What other embedded stores do with the records of `commands`, each used as its users know to use it.
#include <stdexcept>

#include "drive.hpp"
#include "rocksdb_reference.hpp"
#include "sqlite_reference.hpp"
#include "workloads.hpp"

namespace bench {

std::vector<measurement> peers(const settings& how) {
  // Ours still syncs once for each commit when relaxed; theirs then would not at all. There is nothing to compare.
  if (how.durability != tyto::durability::synced) {
    throw std::runtime_error("peers: neither RocksDB nor SQLite has a setting like --relaxed; leave it out");
  }
  driver ours{how};
  rocksdb_journal rocksdb{many_aggregates};
  sqlite_journal sqlite{many_aggregates};
  by_turns(how.seconds, {[&, pick = uniform(many_aggregates)](double s) { ours.run(s, pick); },
                         [&](double s) { rocksdb.run(s); }, [&](double s) { sqlite.run(s, ours.batch()); }});
  return {{"peers_rocksdb",
           ours.per_second(),
           "commands/s",
           rocksdb.per_second(),
           "RocksDB's group commit, 256 threads",
           ">= 8",
           {}},
          {"peers_sqlite",
           ours.per_second(),
           "commands/s",
           sqlite.per_second(),
           "SQLite, batches as large as ours",
           ">= 4",
           {}}};
}

}  // namespace bench

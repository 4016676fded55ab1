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
  ours.run(how.seconds / 3, uniform(many_aggregates));
  const auto rocksdb = rocksdb_events_per_second(how.seconds / 3, many_aggregates);
  const auto sqlite = sqlite_events_per_second(how.seconds / 3, many_aggregates, ours.batch());
  return {
      {"peers_rocksdb", ours.per_second(), "commands/s", rocksdb, "RocksDB's group commit, 256 threads", ">= 8", {}},
      {"peers_sqlite", ours.per_second(), "commands/s", sqlite, "SQLite, batches as large as ours", ">= 2", {}}};
}

}  // namespace bench

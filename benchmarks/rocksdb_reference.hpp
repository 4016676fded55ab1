// An event journal on RocksDB, as a careful user of it writes one.
#pragma once

#include <cstdint>

namespace bench {

/// Runs for so many seconds and returns the acknowledged events/s of 256 threads, each of which writes one record as
/// large as ours after the other to random streams out of `streams`, synced. RocksDB gathers the writes of all threads
/// into groups that it syncs once.
double rocksdb_events_per_second(double seconds_to_run, std::uint64_t streams);

}  // namespace bench

// What a careful engineer writes by hand on LMDB: the yardstick of the workloads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>

#include "measurement.hpp"

namespace bench {

/// Events/s of a loop that appends records as large as ours to an events table and puts one index entry each under
/// stream and sequence number, `batch` events a synced transaction, over `streams` random streams.
double lmdb_events_per_second(const settings& how, std::uint64_t streams, std::size_t batch);

/// The latencies of one synced transaction for each record as large as ours.
latencies lmdb_commit_latencies(const settings& how);

/// Records/s of a cursor that walks over the journal in `directory` and computes each record's checksum.
double lmdb_scan_per_second(const std::filesystem::path& directory);

}  // namespace bench

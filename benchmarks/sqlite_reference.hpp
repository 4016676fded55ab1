// An event journal on SQLite, as a careful user of it writes one.
#pragma once

#include <cstddef>
#include <cstdint>

namespace bench {

/// Runs for so many seconds and returns the events/s of one thread that stores records as large as ours, `batch` a
/// synced transaction, in random streams out of `streams`.
double sqlite_events_per_second(double seconds_to_run, std::uint64_t streams, std::size_t batch);

}  // namespace bench

// What a simulated store does to the program that uses it, and how often.
#pragma once

#include <chrono>
#include <cstdint>

namespace tyto::testing {

/// How often something goes wrong: once in so many operations, drawn for each; 0: never. A fault comes before the
/// operation has any effect.
struct storage_faults {
  /// Appends to the journal that fail with errc::io.
  std::uint32_t failing_appends = 0;

  /// Changes of read models and of snapshots that fail with errc::io: commits, clearing, saving, erasing.
  std::uint32_t failing_commits = 0;

  /// Syncs of the read models that fail with errc::io: what was committed since the last one may be lost with power.
  std::uint32_t failing_syncs = 0;

  /// Reads that fail with errc::io: all that the journal answers but its condition, snapshots of rows and the list of
  /// read models, and the loading of aggregates' snapshots. Some events may have been visited before.
  std::uint32_t failing_reads = 0;

  /// Writes that find the disk full. From then on, all appends and changes fail with errc::full, until somebody makes
  /// room: at most `longest_full_disk` later, or when the program starts again.
  std::uint32_t full_disk = 0;
  std::chrono::microseconds longest_full_disk{1'000'000};

  /// Appends that take their time: up to `longest_append_delay` until they are stored, and as much again until the
  /// journal says so. Others can be read there meanwhile. The appends behind one that is delayed wait for it.
  std::uint32_t delayed_appends = 0;
  std::chrono::microseconds longest_append_delay{20'000};

  /// The most changes of read models and snapshots since the last sync that losing power undoes, the last ones first.
  /// One is what read_model_store lets a store lose, and what the store in LMDB does.
  std::uint32_t lost_commits = 1;
};

}  // namespace tyto::testing

// What a simulated store does to the program that uses it, and how often.
#pragma once

#include <chrono>
#include <cstdint>

namespace tyto::testing {

/// How often something goes wrong: once in so many operations, drawn for each, so 20 is one in twenty; 0: never. A
/// fault comes before the operation has any effect. What has been acknowledged to be in the journal is never lost: that
/// is what event_store promises, and durability::relaxed is not simulated.
struct storage_faults {
  /// Appends to the journal that fail with errc::io.
  std::uint32_t failing_appends = 0;

  /// Appends that break the journal: they fail with errc::io, and so do all appends until the program starts again.
  /// Only then it shows whether they have been stored. LMDB does so where the disk refuses even to take a write back.
  std::uint32_t breaking_appends = 0;

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
  /// journal says so. Between the two their events can be read, though nobody has been told. The appends behind one
  /// that is delayed wait for it.
  std::uint32_t delayed_appends = 0;
  std::chrono::microseconds longest_append_delay{20'000};

  /// How many of the last changes of read models and snapshots since the last sync losing power may undo: of these, the
  /// last ones of each read model, and of the snapshots. One is what read_model_store lets a store lose, and what the
  /// store in LMDB does.
  std::uint32_t lost_commits = 1;
};

}  // namespace tyto::testing

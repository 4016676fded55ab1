// What an aggregate says of its snapshots.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tyto {

/// When snapshots of an aggregate's state are taken: `static constexpr tyto::snapshot_policy snapshots{…}` in the
/// aggregate, whose state must be one that can be stored (TYTO_VALUE). They shorten recovery and are never needed for
/// it. Besides, an event may ask for one: `static bool snapshot_after(const state&, const your_event&)`.
struct snapshot_policy {
  /// Of the state's fields and their meaning. Change it with them: snapshots of another version are not used, and
  /// recovery replays the journal.
  std::uint32_t schema_version = 1;
  /// A snapshot is taken whenever the stream has grown by so many events; 0: only when an event asks for it.
  std::uint64_t every_events = 0;
  /// How many of a stream's latest snapshots are kept, at least 1.
  std::size_t keep = 2;
};

}  // namespace tyto

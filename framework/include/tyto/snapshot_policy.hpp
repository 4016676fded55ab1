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
  ///
  /// **Where a stream was truncated, the events are gone**, and an image of the state stands for them: whoever
  /// truncates must be able to read that image with every later version of the state. Fields that it does not have keep
  /// their value of a new state; those that the state no longer has are left out. What that does not cover, such as
  /// another name, type or meaning, the aggregate, or process manager, says itself:
  ///
  ///     static void upcast_state(tyto::document& state, std::uint32_t version);  // makes it the next version's
  ///
  /// It is called for each version from the image's to this one, in order. An image that still cannot be decoded, or
  /// that has a higher version than this one, is errc::undecodable to every command of its stream, and nothing is lost.
  std::uint32_t schema_version = 1;
  /// A snapshot is taken whenever the stream has grown by so many events; 0: only when an event asks for it.
  std::uint64_t every_events = 0;
  /// How many of a stream's latest snapshots are kept, at least 1.
  std::size_t keep = 2;
};

}  // namespace tyto

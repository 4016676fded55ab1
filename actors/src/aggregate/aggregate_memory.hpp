// What a live aggregate holds in memory, and how that is rebuilt from storage. The aggregate's actor rebuilds it for
// the first command and keeps it up to date from then on.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "aggregate/recent_commands.hpp"
#include "tyto/aggregate.hpp"
#include "tyto/event_store.hpp"
#include "tyto/snapshot_store.hpp"

namespace tyto::detail {

/// State, and what the runtime must know beside it.
struct aggregate_memory {
  explicit aggregate_memory(std::size_t command_id_window) : outcomes(command_id_window) {}

  std::unique_ptr<aggregate_instance> instance;  // none if the stream was deleted
  committed durable;                             // the last durable event
  timestamp last_time;
  recent_commands outcomes;
  stream_state stream = stream_state::open;
  bool began_with_snapshot = false;  // when it was rebuilt

  /// Takes note of a durable event; `refused` is what it says if it is a command_rejected.
  void remember(const metadata& event, std::shared_ptr<const rejection> refused);
};

/// Who makes instances, where it is not the definition's create(): process managers, which may have dependencies.
using instance_makers =
    std::unordered_map<const aggregate_definition*,
                       std::function<std::unique_ptr<aggregate_instance>(std::string_view entity_id)>>;

/// Where memory is rebuilt from.
struct rebuild_sources {
  const event_store& journal;
  const snapshot_store* snapshots;  // may be nullptr
  std::size_t command_id_window;
  std::function<void(std::string_view)> log;
  const instance_makers* makers = nullptr;  // nullptr: every definition makes its own
};

/// Rebuilds from the latest snapshot that can be used, or from the image that stands for truncated events, or from
/// nothing, and from the events that follow. Events before a snapshot are read once more as far as their command ids
/// are remembered. Fails with what the journal says, or errc::truncated if events are gone that are needed.
result<aggregate_memory> rebuild(const rebuild_sources& from, const aggregate_definition& definition,
                                 const std::string& persistence_id);
/// The same, but gives up, and returns nothing, where it would have to read more than `most` events.
std::optional<result<aggregate_memory>> rebuild_shortly(const rebuild_sources& from,
                                                        const aggregate_definition& definition,
                                                        const std::string& persistence_id, std::size_t most);

/// Returns the image of `memory` after the event `sequence_number`, whose state is `state`. It stands for the events up
/// to there: with the remembered commands, if `events_go`, for those that will be gone.
std::string image_of(const aggregate_memory& memory, const aggregate_definition& definition,
                     std::uint64_t sequence_number, std::string_view state, bool events_go);

}  // namespace tyto::detail

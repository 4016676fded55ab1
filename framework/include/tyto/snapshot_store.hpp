// The port to snapshots: images of aggregates' states that shorten their recovery. The runtime writes them when it has
// time, and aggregates look for one when they recover. They are derived from the journal and never needed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tyto/result.hpp"
#include "tyto/visit.hpp"

namespace tyto {

/// The image of an aggregate's state as it was after the event `sequence_number`.
struct snapshot {
  std::string persistence_id;
  std::uint64_t sequence_number = 0;
  std::string image;     // opaque to the store
  std::size_t keep = 1;  // how many of the stream's latest snapshots stay, this one included
};

/// Called for one snapshot after the other. The image is lent for the call only; it is errc::damaged if the store can
/// tell that it is no longer what was stored.
using snapshot_visitor = std::function<visit(std::uint64_t sequence_number, const result<std::string_view>& image)>;

/// Snapshots of any number of streams. Safe to call from any thread.
class snapshot_store {
 public:
  virtual ~snapshot_store() = default;

  /// Stores all of `snapshots` or none, and drops those that are not to be kept beside them. One of the same event
  /// replaces the one before. Fails with errc::invalid_argument for one of an unusable name, or of which none is to be
  /// kept.
  virtual result<void> save(const std::vector<snapshot>& snapshots) = 0;

  /// Visits the stream's snapshots, the latest first; none if the name is unusable.
  virtual result<void> load(std::string_view persistence_id, const snapshot_visitor& visitor) const = 0;

  /// Drops the stream's snapshots.
  virtual result<void> erase(std::string_view persistence_id) = 0;
};

}  // namespace tyto

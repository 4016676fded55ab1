// Stores snapshots when it has time, many at once, on a thread of its own: aggregates hand them over and go on.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "actor/host.hpp"
#include "health_board.hpp"
#include "messages.hpp"
#include "tyto/snapshot_store.hpp"

namespace tyto::detail {

/// To the snapshot writer: drop the snapshots of a stream.
struct drop_snapshots {
  std::string persistence_id;
};

using snapshot_message = std::variant<snapshot, drop_snapshots, stop_actor>;

/// The way from aggregates to the writer. Safe to use from any thread.
class snapshot_queue {
 public:
  /// Without a `store` no snapshots are kept, and the queue takes nothing.
  snapshot_queue(std::shared_ptr<snapshot_store> store, host& runs_on, health_board& health,
                 std::function<void(std::string_view)> log);

  /// Where snapshots are; may be nullptr.
  [[nodiscard]] const snapshot_store* store() const { return store_.get(); }
  /// Who stores them, if there is a store.
  [[nodiscard]] const address<snapshot_message>& writer() const { return writer_; }

  /// Has `taken` stored soon, or drops it if too many wait already: the next one will do as well.
  void offer(snapshot taken);
  /// Has the snapshots of the stream dropped soon, also those that were offered before.
  void drop(std::string persistence_id);

 private:
  static constexpr std::size_t max_waiting = 256;

  std::shared_ptr<snapshot_store> store_;
  std::atomic<std::size_t> waiting_ = 0;
  address<snapshot_message> writer_;
};

class snapshot_writer final : public actor_of<snapshot_message> {
 public:
  /// Counts down `waiting` for each snapshot that it is done with.
  snapshot_writer(snapshot_store& store, std::atomic<std::size_t>& waiting, health_board& health,
                  std::function<void(std::string_view)> log);

 protected:
  void on(snapshot_message&& message) override;
  void turn_is_over() override { save(); }

 private:
  void save();
  void show(const result<void>& outcome);

  snapshot_store& store_;
  std::atomic<std::size_t>& waiting_;
  health_board& health_;
  const std::function<void(std::string_view)> log_;
  std::vector<snapshot> batch_;
  bool is_failing_ = false;
};

}  // namespace tyto::detail

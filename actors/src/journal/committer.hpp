// The one actor that appends to the journal. Writes come in from shards of aggregates, go to the store many at a time,
// and from there to the event bus; each shard is told what became of its own.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "actor/host.hpp"
#include "health_board.hpp"
#include "journal/event_bus.hpp"
#include "messages.hpp"

namespace tyto::detail {

/// Group commit without a timer: what it has taken in a turn is stored when the turn is over. So a lone write is stored
/// at once, and the longer a commit takes, the more the next one carries.
class committer final : public actor_of<committer_message> {
 public:
  committer(event_store& journal, event_bus& bus, host& runs_on, health_board& health,
            std::function<void(std::string_view)> log, std::size_t max_commit_events);

 protected:
  void on(committer_message&& message) override;
  void turn_is_over() override;
  [[nodiscard]] lent_to takes_threads_lent_to() const override { return lent_to::way_of_a_command; }

 private:
  void take(store_writes request);
  void take(checkpoint moved);
  void commit();
  void show(const result<append_outcomes>& stored);

  event_store& journal_;
  event_bus& bus_;
  host& host_;
  health_board& health_;
  const std::function<void(std::string_view)> log_;
  const std::size_t max_commit_events_;

  std::vector<store_writes> batch_;
  std::size_t batch_writes_ = 0;
  std::size_t batch_events_ = 0;
  std::map<std::string, std::uint64_t> checkpoints_;  // by consumer, not yet stored
  bool checkpoints_have_a_time_ = false;
  std::atomic<bool> is_failing_ = false;  // the store may answer on a thread of its own
};

}  // namespace tyto::detail

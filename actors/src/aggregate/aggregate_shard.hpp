// Some of the live aggregates: those whose persistence ids hash to the same shard. They take turns on one thread at a
// time, and share the way to the committer and back.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "actor/host.hpp"
#include "aggregate/aggregate_actor.hpp"
#include "messages.hpp"

namespace tyto::detail {

/// Brings an aggregate to life when the first command for it comes. What its aggregates decide in one turn goes to the
/// committer together, and comes back answered together.
class aggregate_shard final : public actor_of<shard_message>, private aggregate_home {
 public:
  /// Keeps about `max_live` aggregates live: beyond it the least recently used leave, unless they have something in
  /// hand. Says in `live` how many there are, and in `counts` what they do.
  aggregate_shard(const aggregate_surroundings& around, host& runs_on, std::size_t max_live,
                  std::atomic<std::size_t>& live, aggregate_counts& counts);

  void turn_is_over() override;
  [[nodiscard]] lent_to takes_threads_lent_to() const override { return lent_to::way_of_a_command; }

 protected:
  void on(shard_message&& message) override;

 private:
  struct entry;
  struct known_hash {
    std::size_t operator()(const aggregate_key& key) const { return key.hash; }
  };
  using entries = std::unordered_map<aggregate_key, entry, known_hash>;

  struct entry {
    std::optional<aggregate_actor> aggregate;  // always there; it is made when its key, which it refers to, is in place
    std::chrono::steady_clock::time_point last_used;
    std::list<entries::iterator>::iterator place;
  };

  void run(run_command& command);
  void tell(const writes_answered& answer);
  void store(aggregate_actor& from, std::shared_ptr<stream_write> write, bool caller_waits) override;
  void recover(const aggregate_definition& definition, const std::string& persistence_id) override;
  aggregate_counts& counts() override { return counts_; }
  [[nodiscard]] entry& find_or_start(const run_command& command);
  void passivate_oldest();
  [[nodiscard]] std::chrono::steady_clock::time_point now();

  const aggregate_surroundings& around_;
  host& host_;
  const std::size_t max_live_;
  std::atomic<std::size_t>& live_count_;
  aggregate_counts& counts_;
  entries live_;
  std::list<entries::iterator> by_use_;                       // the most recently used first
  std::optional<std::chrono::steady_clock::time_point> now_;  // of this turn

  std::vector<std::shared_ptr<stream_write>> decided_;  // in this turn
  bool caller_waits_ = false;
  std::deque<aggregate_actor*> unanswered_;  // whose writes they are, also of turns before
};

}  // namespace tyto::detail

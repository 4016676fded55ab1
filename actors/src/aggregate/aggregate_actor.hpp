// One live aggregate. Commands come in from its shard, decided events go out through the shard to the committer,
// answers go back to callers once the events are durable.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "actor/fifo.hpp"
#include "actor/host.hpp"
#include "aggregate/aggregate_counts.hpp"
#include "aggregate/aggregate_memory.hpp"
#include "aggregate/snapshot_writer.hpp"
#include "health_board.hpp"
#include "messages.hpp"
#include "tyto/aggregate.hpp"
#include "tyto/clock.hpp"

namespace tyto::detail {

/// What all aggregates of a runtime share; outlives them.
struct aggregate_surroundings {
  rebuild_sources stored;
  const clock& time;  // of events
  const host& runs_on;
  address<committer_message> committer;
  snapshot_queue& snapshots;
  health_board& health;
  std::size_t max_commands;  // in the hands of one aggregate
  std::chrono::milliseconds min_backoff;
  std::chrono::milliseconds max_backoff;
};

class aggregate_actor;

/// What its shard does for an aggregate.
class aggregate_home {
 public:
  virtual ~aggregate_home() = default;
  /// Has `write` stored, behind what was put in before. What became of it is told to `from`, by answered().
  virtual void store(aggregate_actor& from, std::shared_ptr<stream_write> write, bool caller_waits) = 0;
  /// Has the memory of the aggregate `persistence_id` rebuilt where it holds up nobody, and told to it by recovered().
  virtual void recover(const aggregate_definition& definition, const std::string& persistence_id) = 0;
  /// Where it counts what it does.
  virtual aggregate_counts& counts() = 0;
};

/// Early apply, late acknowledge: a command is decided against state that includes events not yet durable, and every
/// answer, also a rejection, waits for the events that it was decided on. If storing fails, all of them fail and the
/// state is rebuilt from the journal.
class aggregate_actor {
 public:
  /// What is given outlives it.
  aggregate_actor(const aggregate_surroundings& around, aggregate_home& home, const aggregate_definition& definition,
                  const std::string& persistence_id);
  aggregate_actor(const aggregate_actor&) = delete;
  aggregate_actor& operator=(const aggregate_actor&) = delete;

  /// Takes what it needs of `command`.
  void run(run_command& command);
  /// Tells it what became of its oldest write that was not yet answered.
  void answered(const result<void>& outcome);
  /// Tells it what its home has rebuilt for it.
  void recovered(result<aggregate_memory> rebuilt);
  /// Whether it has nothing in hand, and may leave memory.
  [[nodiscard]] bool is_idle() const { return held_.empty() && waiting_.empty(); }

 private:
  enum class phase : std::uint8_t {
    dormant,     // knows nothing; the next command recovers it; next: ready, recovering, or dormant again with backoff
    recovering,  // has a long stream, which is read elsewhere; next: ready, or dormant with backoff
    ready,       // decides commands, answers when they are durable; next: settling, draining
    settling,    // a truncation waits for the answers to what was decided before it; next: ready, draining
    draining,    // the state is unusable; waits for the answers to its writes; next: dormant
  };

  /// A command was refused, or repeats one and gets the outcome of the first.
  struct other_outcome {
    std::optional<std::variant<rejection, error>> refusal;
    std::string repeated_id = {};
  };

  /// A caller's answer that waits until everything before it is durable.
  struct held_answer {
    std::shared_ptr<stream_write> write;           // none if there is nothing to store
    std::unique_ptr<const other_outcome> instead;  // of what was stored
    command_reply reply;
  };

  /// A state that is not yet durable.
  struct taken_snapshot {
    std::uint64_t sequence_number;
    std::string state;
  };

  /// What has failed. Apart, for it is large.
  struct trouble {
    std::optional<error> write;  // while draining: what fails everything decided after it
    std::optional<error> recovery;
    std::chrono::milliseconds backoff{0};
    std::chrono::steady_clock::time_point retry_at;
  };

  void decide(run_command& command);
  void retain(run_command& command);

  [[nodiscard]] bool was_seen(const run_command& command) const;
  [[nodiscard]] std::optional<error> conflict_with(const command_options& options) const;
  [[nodiscard]] error closed() const;
  [[nodiscard]] result<void> prepare_truncation(retention& change) const;

  [[nodiscard]] const error* failed_write() const;
  [[nodiscard]] trouble& in_trouble();

  void recover();
  void take_over(result<aggregate_memory> rebuilt);
  void start_draining(const error& why);
  void finish_draining();
  void run_waiting();

  void take_snapshot_if_due(std::uint64_t version_before);
  void hand_over_snapshot();

  void store(run_command& command, std::vector<recorded_event> events, const rejection* refusal = nullptr);
  [[nodiscard]] timestamp time_of_next_event() const;
  void hold_refusal(run_command& command, std::variant<rejection, error> why);
  void hold_repetition(run_command& command);
  void hold(held_answer answer);
  void answer_ready();
  command_result outcome_of(const held_answer& answer);
  [[nodiscard]] decided_events read_back(const committed& decided) const;

  const aggregate_surroundings& around_;
  aggregate_home& home_;
  const aggregate_definition& definition_;
  const std::string& persistence_id_;

  phase phase_ = phase::dormant;
  stream_state stream_ = stream_state::open;  // also what is not yet durable
  bool snapshot_is_due_ = false;
  aggregate_memory memory_;            // what is durable, but for the instance
  std::uint64_t decided_version_ = 0;  // also of events that are not yet durable
  std::unique_ptr<taken_snapshot> taken_;
  fifo<held_answer> held_;
  fifo<run_command> waiting_;  // arrived while recovering, settling or draining

  std::unique_ptr<trouble> trouble_;  // none, but for few
};

}  // namespace tyto::detail

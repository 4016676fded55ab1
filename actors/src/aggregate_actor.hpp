// One live aggregate. Commands come in by mailbox, decided events go to the committer, answers go back to callers once
// the events are durable.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "fifo.hpp"
#include "messages.hpp"
#include "recent_commands.hpp"
#include "tyto/aggregate.hpp"
#include "tyto/clock.hpp"

namespace tyto::detail {

/// What all aggregates of a runtime share; outlives them.
struct aggregate_surroundings {
  const event_store& journal;
  const clock& time;
  address<committer_message> committer;
  std::function<void(std::string_view)> log;
  std::function<bool(const std::string&, std::uint64_t)> release;  // directory::release()
  std::size_t max_commands;                                        // in the hands of one aggregate
  std::size_t command_id_window;
  std::chrono::milliseconds min_backoff;
  std::chrono::milliseconds max_backoff;
};

/// Early apply, late acknowledge: a command is decided against state that includes events not yet durable, and every
/// answer, also a rejection, waits for the events that it was decided on. If storing fails, all of them fail and the
/// state is rebuilt from the journal.
class aggregate_actor final : public actor_of<aggregate_message> {
 public:
  aggregate_actor(const aggregate_surroundings& around, const aggregate_definition& definition,
                  std::string persistence_id);

 protected:
  void on(aggregate_message message) override;

 private:
  enum class phase : std::uint8_t {
    dormant,   // knows nothing; the next command recovers it; next: ready, or dormant again with backoff
    ready,     // decides commands, answers when they are durable; next: draining
    draining,  // the state is unusable; waits for the answers to its writes; next: dormant
  };

  /// A caller's answer that waits until everything before it is durable.
  struct held_answer {
    std::shared_ptr<stream_write> write;  // none if the command led to no events
    std::string command_id;               // of a repeated command: it gets the first one's outcome
    std::optional<std::variant<rejection, error>> refusal;
    command_reply reply;
  };

  void run(run_command command);
  void leave(passivate asked);
  void decide(run_command command);
  void answered(const result<void>& outcome);

  bool recover();
  result<void> replay();
  void remember(const metadata& event);
  void start_draining(const error& why);
  void finish_draining();

  std::shared_ptr<stream_write> seal(const command_options& options, std::vector<new_event> events);
  void hold(held_answer answer);
  void release_ready();
  command_result outcome_of(const held_answer& answer);

  const aggregate_surroundings& around_;
  const aggregate_definition& definition_;
  const std::string persistence_id_;

  phase phase_ = phase::dormant;
  std::unique_ptr<aggregate_instance> instance_;
  std::uint64_t decided_version_ = 0;  // includes events that are not yet durable
  committed durable_;                  // the last durable event
  timestamp last_time_;
  recent_commands outcomes_;  // filled in when durable
  fifo<held_answer> held_;
  fifo<run_command> waiting_;  // arrived while draining

  std::optional<error> failed_write_;  // while draining: what fails everything decided after it
  std::optional<error> failed_recovery_;
  std::chrono::milliseconds backoff_{0};
  timestamp retry_at_;
};

}  // namespace tyto::detail

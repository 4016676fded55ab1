// The messages between the runtime's actors, and the way of a command and of its events through them:
// caller or consumer -> shard of aggregates -> committer -> event bus -> consumers; answers go back the same way.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "actor/mailbox.hpp"
#include "actor/threads.hpp"
#include "command_reply.hpp"
#include "tyto/aggregate.hpp"
#include "tyto/command.hpp"
#include "tyto/consumer.hpp"
#include "tyto/event_store.hpp"

namespace tyto::detail {

struct aggregate_memory;
class sent_batch;

/// A persistence id with its hash, which whoever looks for the aggregate uses again.
struct aggregate_key {
  explicit aggregate_key(std::string id)
      : persistence_id(std::move(id)), hash(std::hash<std::string>{}(persistence_id)) {}

  std::string persistence_id;
  std::size_t hash;

  friend bool operator==(const aggregate_key& one, const aggregate_key& other) {
    return one.persistence_id == other.persistence_id;
  }
};

/// To a shard of aggregates, for one of them: decide this, and call `reply` when the outcome is durable.
struct run_command {
  const aggregate_definition* target = nullptr;
  aggregate_key aggregate;
  std::shared_ptr<const void> command;  // the aggregate's variant of commands
  command_options options;
  command_reply reply;
  std::optional<retention> retain = {};  // instead of a command
};

/// To a shard: what became of its oldest writes that were not yet answered.
struct writes_answered {
  struct run {
    result<void> outcome;
    std::size_t writes = 1;  // that have it in common
  };
  std::vector<run> runs;
};

/// To a shard: the memory of an aggregate that was recovered elsewhere.
struct recovered_memory {
  std::string persistence_id;
  std::shared_ptr<result<aggregate_memory>> memory;
};

/// To a shard: let go of the aggregates that were last used before `since` and have nothing in hand.
struct passivate_unused {
  std::chrono::steady_clock::time_point since;
};

using shard_message = std::variant<run_command, writes_answered, recovered_memory, passivate_unused>;

/// To the committer: store this, what a shard's aggregates have decided in one turn, and tell the shard.
struct store_writes {
  std::vector<std::shared_ptr<stream_write>> writes;
  address<shard_message> from;
  bool caller_waits = false;  // for one of them, see command_reply
};

/// To the committer: store the checkpoints that have not been stored with events.
struct store_checkpoints {};

/// To the committer, a consumer or an alarm: finish what you have in hand, then call `done`.
struct stop_actor {
  std::function<void()> done;
};

using committer_message = std::variant<store_writes, checkpoint, store_checkpoints, stop_actor>;

/// The events of one transaction, in order and without gaps.
struct segment {
  std::uint64_t first_position = 0;
  std::uint64_t last_position = 0;
  std::vector<std::shared_ptr<const stream_write>> writes;
  std::chrono::microseconds took{0};  // until it was durable
};

/// To a consumer: look up your checkpoint and start.
struct begin {};

/// To a consumer: the events that it asked for.
struct delivery {
  std::vector<std::shared_ptr<const segment>> segments;
};

/// To a consumer: the events that it asked for are no longer in memory; read the journal.
struct read_behind {};

/// To a consumer: the commands that it has sent are answered, all of them.
struct commands_answered {
  std::shared_ptr<sent_batch> batch;
};

/// To a consumer: try again, if this is the last one that it has set itself.
struct retry {
  std::uint64_t number = 0;
};

/// To a consumer: take nothing more, or go on. `done` is called when it has nothing in hand.
struct pause_consumer {
  std::function<void()> done;
};
struct resume_consumer {};

/// To a consumer: begin anew at the first event.
struct reset_consumer {
  std::function<void(result<void>)> reply;
};

/// To a consumer: save the checkpoint, if commit() has put that off.
struct save_checkpoint {};

/// To a consumer: go on with releasing dead letters, if there is nothing else to do.
struct release_more {};

/// To a consumer: release dead letters, and say how many were.
struct release_parked {
  enum class way : std::uint8_t { replay, discard };
  way how = way::replay;
  std::optional<std::uint64_t> position;  // of the event, all of its parts; or
  std::optional<std::string> key;         // those of one key; or all
  std::function<void(result<std::size_t>)> reply;
};

/// What a consumer answers to report_when_past.
struct consumer_report {
  bool goes_on = true;               // else it has halted or is paused
  std::vector<std::string> blocked;  // those of the keys whose events wait behind a dead letter
  bool may_all_be_blocked = false;   // there is a dead letter whose key is not known
};

/// To a consumer: say when you are done with everything up to `position`, or that you do not go on, and which of `keys`
/// are blocked then. A consumer that is stopped says nothing.
struct report_when_past {
  std::uint64_t position = 0;
  std::vector<std::string> keys;
  std::function<void(consumer_report)> reply;
};

using consumer_message =
    std::variant<begin, delivery, read_behind, commands_answered, retry, release_parked, release_more, pause_consumer,
                 resume_consumer, reset_consumer, save_checkpoint, report_when_past, stop_actor>;

/// Tells the actor to stop and waits until it has.
template <class Message>
void stop_and_wait(const address<Message>& actor) {
  std::promise<void> stopped;
  auto done = stopped.get_future();
  actor.post(stop_actor{[&stopped] { stopped.set_value(); }});
  wait_for(done);
  actor.close();
}

}  // namespace tyto::detail

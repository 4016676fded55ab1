#include "aggregate/aggregate_actor.hpp"

#include <algorithm>
#include <utility>

#include "aggregate/state_image.hpp"
#include "time_between.hpp"
#include "tyto/detail/recycled_memory.hpp"

namespace tyto::detail {
namespace {

constexpr std::chrono::minutes max_clock_correction{1};

// The others of its shard wait while an aggregate reads so many events, less than a millisecond.
constexpr std::size_t events_of_short_recovery = 256;

bool concerns_one_write(const error& why) {
  return why.code() == errc::conflict || why.code() == errc::closed || why.code() == errc::invalid_argument;
}

}  // namespace

aggregate_actor::aggregate_actor(const aggregate_surroundings& around, aggregate_home& home,
                                 const aggregate_definition& definition, const std::string& persistence_id)
    : around_(around),
      home_(home),
      definition_(definition),
      persistence_id_(persistence_id),
      memory_(around.stored.command_id_window) {}

void aggregate_actor::run(run_command& command) {
  home_.counts().commands.add();
  if (phase_ == phase::dormant) recover();
  if (held_.size() + waiting_.size() >= around_.max_commands) {
    command.reply(command_failure{error{errc::overloaded, "running a command on " + persistence_id_,
                                        std::to_string(around_.max_commands) + " commands wait for their answers"}});
  } else if (phase_ == phase::recovering || phase_ == phase::settling || phase_ == phase::draining) {
    waiting_.push(std::move(command));
  } else if (phase_ == phase::dormant) {
    command.reply(command_failure{*trouble_->recovery});
  } else if (command.retain) {
    retain(command);
  } else {
    decide(command);
  }
}

void aggregate_actor::decide(run_command& command) {
  const auto& options = command.options;
  // Of a deleted stream nothing is known when it is recovered, not even what was done.
  if (stream_ == stream_state::deleted) return hold_refusal(command, closed());
  if (was_seen(command)) {
    home_.counts().repetitions.add();
    return hold_repetition(command);
  }
  if (stream_ != stream_state::open) return hold_refusal(command, closed());
  if (auto conflict = conflict_with(options)) return hold_refusal(command, *std::move(conflict));

  auto decided = memory_.instance->decide(command.command.get());
  if (!decided) {
    auto why = error{decided.error().code(), "running a command on " + persistence_id_}.because(decided.error());
    hold_refusal(command, why);
    if (memory_.instance->is_broken()) {
      start_draining(why);
      finish_draining();
    }
    return;
  }
  if (auto* no = std::get_if<rejection>(&*decided)) {
    home_.counts().rejections.add();
    if (!options.record_rejection || options.command_id.empty()) {
      return hold_refusal(command, std::move(*no));
    }
    std::vector<recorded_event> record(1);
    seal(recorded(*no), record.front());
    return store(command, std::move(record), no);
  }
  auto& events = std::get<std::vector<recorded_event>>(*decided);
  if (events.empty()) return hold({nullptr, nullptr, std::move(command.reply)});
  const auto version_before = decided_version_;
  store(command, std::move(events));
  take_snapshot_if_due(version_before);
}

bool aggregate_actor::was_seen(const run_command& command) const {
  const auto& id = command.options.command_id;
  return !id.empty() && memory_.outcomes.find(id) != nullptr;
}

std::optional<error> aggregate_actor::conflict_with(const command_options& options) const {
  if (options.expected.allows(decided_version_)) return std::nullopt;
  return error{errc::conflict, "running a command on " + persistence_id_,
               "expected " + options.expected.describe() + ", it is at version " + std::to_string(decided_version_)}
      .with(version_conflict{decided_version_});
}

error aggregate_actor::closed() const {
  return {errc::closed, "running a command on " + persistence_id_,
          stream_ == stream_state::deleted ? "its stream was deleted" : "its stream was closed"};
}

// What has been done to the stream already is done again without effect, for a repetition must be harmless.
void aggregate_actor::retain(run_command& command) {
  auto change = *command.retain;
  if (change.what == retention::action::truncate && !held_.empty()) {
    // Only what is durable can be truncated, and consumers may have been given events whose answer is under way.
    phase_ = phase::settling;
    return waiting_.push(std::move(command));
  }
  const bool is_done =
      stream_ == stream_state::deleted || (stream_ == stream_state::closed && change.what == retention::action::close);
  if (is_done && change.what == retention::action::truncate) {
    return hold_refusal(command, closed());
  }
  if (is_done) return hold({nullptr, nullptr, std::move(command.reply)});
  if (auto conflict = conflict_with(command.options)) return hold_refusal(command, *std::move(conflict));
  if (change.what == retention::action::truncate) {
    if (auto prepared = prepare_truncation(change); !prepared) {
      return hold_refusal(command, std::move(prepared).error());
    }
  }
  if (change.what == retention::action::close) stream_ = stream_state::closed;
  if (change.what == retention::action::remove) stream_ = stream_state::deleted;
  command.retain = std::move(change);
  store(command, {});
}

result<void> aggregate_actor::prepare_truncation(retention& change) const {
  const auto refuse = [this](std::string why) {
    return error{errc::invalid_argument, "truncating " + persistence_id_, std::move(why)};
  };
  const auto durable = memory_.durable.sequence_number;
  if (change.first == 0 || change.first > durable + 1) {
    return refuse("the first event that stays must be one of 1 to " + std::to_string(durable + 1) +
                  ", the end of what is durable, not " + std::to_string(change.first));
  }
  if (definition_.snapshots) {
    auto state = memory_.instance->image();
    if (!state) return std::move(state).error();
    change.base = image_of(memory_, definition_, decided_version_, *state, true);
    return {};
  }
  if (change.first == 1) return {};
  bool is_summary = false;
  auto read = around_.stored.journal.read_stream(persistence_id_, change.first, [&](const event_view& event) {
    is_summary = std::ranges::find(definition_.summaries, event.meta.type) != definition_.summaries.end();
    return visit::stop;
  });
  if (!read) return std::move(read).error();
  if (is_summary) {
    // The summary stands for the state, but not for the commands whose events go.
    change.base = image_of(memory_, definition_, durable, no_state, true);
    return {};
  }
  return refuse("nothing would stand for the events before number " + std::to_string(change.first) +
                ": give the aggregate a snapshot_policy, or keep from one of its summaries on");
}

void aggregate_actor::store(run_command& command, std::vector<recorded_event> events, const rejection* refusal) {
  const auto& options = command.options;
  memory_.last_time = time_of_next_event();
  for (auto& event : events) {
    auto& meta = event.meta;
    meta.time = memory_.last_time;
    meta.command_id = options.command_id;
    meta.correlation_id = options.correlation_id;
    meta.causation_id = options.causation_id;
    meta.tags = options.tags;
  }
  if (!options.command_id.empty() && !events.empty()) memory_.outcomes.note(options.command_id, {});
  const bool caller_waits = command.reply.caller_waits();
  auto write = make_recycled<stream_write>();
  write->persistence_id = persistence_id_;
  write->expected = expected_version::exactly(decided_version_);
  write->retain = std::move(command.retain);
  decided_version_ += events.size();
  write->events = std::move(events);
  hold({write, refusal != nullptr ? std::make_unique<const other_outcome>(other_outcome{*refusal}) : nullptr,
        std::move(command.reply)});
  home_.store(*this, std::move(write), caller_waits);
}

// The times of a stream's events do not go back when the clock is put right by a little. A clock that was far ahead for
// a while must not date all events to come.
timestamp aggregate_actor::time_of_next_event() const {
  const auto now = around_.time.now();
  return time_between(now, memory_.last_time) > max_clock_correction ? now : std::max(memory_.last_time, now);
}

void aggregate_actor::hold_refusal(run_command& command, std::variant<rejection, error> why) {
  if (const auto* failed = std::get_if<error>(&why); failed != nullptr && failed->code() == errc::conflict) {
    home_.counts().conflicts.add();
  }
  hold({nullptr, std::make_unique<const other_outcome>(other_outcome{std::move(why)}), std::move(command.reply)});
}

void aggregate_actor::hold_repetition(run_command& command) {
  hold({nullptr, std::make_unique<const other_outcome>(other_outcome{std::nullopt, command.options.command_id}),
        std::move(command.reply)});
}

void aggregate_actor::hold(held_answer answer) {
  held_.push(std::move(answer));
  if (held_.size() == 1) answer_ready();
}

// Answers what does not wait for a write: everything up to the next answer with one.
void aggregate_actor::answer_ready() {
  while (!held_.empty() && !held_.front().write) {
    const auto answer = held_.pop();
    answer.reply(outcome_of(answer));
  }
}

command_result aggregate_actor::outcome_of(const held_answer& answer) {
  if (const auto* failed = failed_write()) return command_failure{*failed};
  if (answer.instead && answer.instead->refusal) {
    return std::visit([](const auto& why) { return command_failure{why}; }, *answer.instead->refusal);
  }
  auto outcome = memory_.durable;
  if (answer.write) {
    outcome.event_count = static_cast<std::uint32_t>(answer.write->events.size());
    outcome.decided = decided_events{{answer.write, &answer.write->events}};
  }
  if (!answer.instead) return outcome;
  if (const auto* first = memory_.outcomes.find(answer.instead->repeated_id)) {
    if (first->refused) return command_failure{*first->refused};
    outcome = first->stored;
    outcome.decided = read_back(outcome);
  }
  outcome.repeated = true;
  return outcome;
}

// The events of an earlier decision, which are no longer at hand.
decided_events aggregate_actor::read_back(const committed& decided) const {
  const auto doing = "reading back events of " + persistence_id_;
  const auto first = decided.sequence_number - decided.event_count + 1;
  auto events = std::make_shared<std::vector<recorded_event>>();
  std::uint64_t last_seen = first - 1;
  auto read = around_.stored.journal.read_stream(persistence_id_, first, [&](const event_view& event) {
    if (event.meta.sequence_number > decided.sequence_number) return visit::stop;
    if (event.meta.sequence_number > last_seen + 1) return visit::stop;  // what is between was removed
    last_seen = event.meta.sequence_number;
    events->push_back({event.meta, std::string{event.payload}, nullptr, nullptr});
    return visit::next;
  });
  if (!read) return decided_events{error{read.error().code(), doing}.because(read.error())};
  if (last_seen == decided.sequence_number) return decided_events{std::move(events)};
  return decided_events{error{errc::truncated, doing, "they were removed since"}};
}

void aggregate_actor::answered(const result<void>& outcome) {
  const auto answer = held_.pop();
  if (outcome) {
    std::shared_ptr<const rejection> refused;
    if (answer.instead) refused = std::make_shared<const rejection>(std::get<rejection>(*answer.instead->refusal));
    for (const auto& event : answer.write->events) memory_.remember(event.meta, refused);
    if (answer.write->retain && answer.write->retain->what == retention::action::remove) {
      around_.snapshots.drop(persistence_id_);
    }
    hand_over_snapshot();
  } else if (failed_write() == nullptr) {
    // The writes behind a failed one were decided on events that do not exist. The store refuses them for their
    // expected version; what their callers should hear is what failed first.
    in_trouble().write = outcome.error();
    start_draining(outcome.error());
  }
  answer.reply(outcome_of(answer));
  answer_ready();
  if (phase_ == phase::draining) finish_draining();
  if (phase_ == phase::settling && held_.empty()) {
    phase_ = phase::ready;
    run_waiting();
  }
}

void aggregate_actor::take_snapshot_if_due(std::uint64_t version_before) {
  if (!definition_.snapshots || around_.snapshots.store() == nullptr) return;
  const auto every = definition_.snapshots->every_events;
  snapshot_is_due_ |= memory_.instance->asks_for_snapshot();
  snapshot_is_due_ |= every > 0 && version_before / every != decided_version_ / every;
  if (!snapshot_is_due_ || taken_) return;
  snapshot_is_due_ = false;
  if (auto state = memory_.instance->image()) {
    taken_ = std::make_unique<taken_snapshot>(taken_snapshot{decided_version_, *std::move(state)});
  } else {
    around_.stored.log(persistence_id_ + " has no snapshot: " + state.error().message());
  }
}

// Once its last event is durable, for a snapshot must not know more than the journal.
void aggregate_actor::hand_over_snapshot() {
  if (!taken_ || taken_->sequence_number != memory_.durable.sequence_number) return;
  around_.snapshots.offer({persistence_id_, taken_->sequence_number,
                           image_of(memory_, definition_, taken_->sequence_number, taken_->state, false),
                           definition_.snapshots->keep});
  taken_.reset();
}

void aggregate_actor::start_draining(const error& why) {
  phase_ = phase::draining;
  // What has failed all writes of a transaction was logged there, once for all aggregates.
  if (concerns_one_write(why)) around_.stored.log(persistence_id_ + " starts again from the journal: " + why.message());
}

void aggregate_actor::finish_draining() {
  if (!held_.empty()) return;
  phase_ = phase::dormant;
  memory_ = aggregate_memory{around_.stored.command_id_window};
  taken_.reset();
  trouble_.reset();
  run_waiting();
}

void aggregate_actor::run_waiting() {
  for (auto commands = std::exchange(waiting_, {}); !commands.empty();) {
    auto next = commands.pop();
    run(next);
  }
}

const error* aggregate_actor::failed_write() const { return trouble_ && trouble_->write ? &*trouble_->write : nullptr; }

aggregate_actor::trouble& aggregate_actor::in_trouble() {
  if (!trouble_) trouble_ = std::make_unique<trouble>();
  return *trouble_;
}

void aggregate_actor::recover() {
  if (trouble_ && around_.runs_on.now() < trouble_->retry_at) return;
  home_.counts().recoveries.add();
  if (auto rebuilt = rebuild_shortly(around_.stored, definition_, persistence_id_, events_of_short_recovery)) {
    return take_over(*std::move(rebuilt));
  }
  phase_ = phase::recovering;
  home_.recover(definition_, persistence_id_);
}

void aggregate_actor::recovered(result<aggregate_memory> rebuilt) {
  phase_ = phase::dormant;
  take_over(std::move(rebuilt));
  run_waiting();
}

void aggregate_actor::take_over(result<aggregate_memory> rebuilt) {
  if (!rebuilt) {
    auto& [_, recovery, backoff, retry_at] = in_trouble();
    backoff = std::clamp(backoff * 2, around_.min_backoff, around_.max_backoff);
    retry_at = around_.runs_on.now() + backoff;
    if (!recovery) {
      around_.stored.log(persistence_id_ + " cannot be recovered: " + rebuilt.error().message());
    }
    around_.health.report(persistence_id_, rebuilt.error());
    recovery = std::move(rebuilt).error();
    return;
  }
  if (trouble_) around_.health.clear(persistence_id_);
  trouble_.reset();
  memory_ = *std::move(rebuilt);
  if (memory_.began_with_snapshot) home_.counts().snapshots_used.add();
  stream_ = memory_.stream;
  decided_version_ = memory_.durable.sequence_number;
  phase_ = phase::ready;
}

}  // namespace tyto::detail

#include "aggregate_actor.hpp"

#include <algorithm>
#include <utility>

namespace tyto::detail {

aggregate_actor::aggregate_actor(const aggregate_surroundings& around, const aggregate_definition& definition,
                                 std::string persistence_id)
    : around_(around),
      definition_(definition),
      persistence_id_(std::move(persistence_id)),
      outcomes_(around.command_id_window) {}

void aggregate_actor::on(aggregate_message message) {
  std::visit(overloaded{[this](run_command& command) { run(std::move(command)); },
                        [this](write_answered& answer) {
                          for (; answer.writes > 0; --answer.writes) answered(answer.outcome);
                        },
                        [this](passivate asked) { leave(asked); }},
             message);
}

void aggregate_actor::run(run_command command) {
  if (held_.size() + waiting_.size() >= around_.max_commands) {
    command.reply(command_failure{error{errc::overloaded, "running a command on " + persistence_id_,
                                        std::to_string(around_.max_commands) + " commands wait for their answers"}});
  } else if (phase_ == phase::draining) {
    waiting_.push(std::move(command));
  } else if (phase_ == phase::ready || recover()) {
    decide(std::move(command));
  } else {
    command.reply(command_failure{*failed_recovery_});
  }
}

void aggregate_actor::leave(passivate asked) {
  if (held_.empty() && waiting_.empty()) around_.release(persistence_id_, asked.posted);
}

void aggregate_actor::decide(run_command command) {
  const auto& options = command.options;
  if (!options.command_id.empty() && outcomes_.find(options.command_id) != nullptr) {
    return hold({nullptr, options.command_id, std::nullopt, std::move(command.reply)});
  }
  if (!options.expected.allows(decided_version_)) {
    auto conflict =
        error{errc::conflict, "running a command on " + persistence_id_,
              "expected " + options.expected.describe() + ", it is at version " + std::to_string(decided_version_)}
            .with(version_conflict{decided_version_});
    return hold({nullptr, {}, std::move(conflict), std::move(command.reply)});
  }
  auto decided = instance_->decide(command.command.get());
  if (!decided) {
    auto why = error{decided.error().code(), "running a command on " + persistence_id_}.because(decided.error());
    hold({nullptr, {}, why, std::move(command.reply)});
    if (instance_->is_broken()) {
      start_draining(why);
      finish_draining();
    }
    return;
  }
  if (auto* no = std::get_if<rejection>(&*decided)) {
    return hold({nullptr, {}, std::move(*no), std::move(command.reply)});
  }
  auto& events = std::get<std::vector<new_event>>(*decided);
  if (events.empty()) return hold({nullptr, {}, std::nullopt, std::move(command.reply)});

  auto write = seal(options, std::move(events));
  if (!options.command_id.empty()) outcomes_.note(options.command_id, {});
  hold({write, options.command_id, std::nullopt, std::move(command.reply)});
  around_.committer.post(store_write{std::move(write), self()});
}

std::shared_ptr<stream_write> aggregate_actor::seal(const command_options& options, std::vector<new_event> events) {
  last_time_ = std::max(last_time_, around_.time.now());
  auto write = std::make_shared<stream_write>();
  write->persistence_id = persistence_id_;
  write->expected = expected_version::exactly(decided_version_);
  write->events.reserve(events.size());
  for (auto& event : events) {
    auto& recorded = write->events.emplace_back();
    recorded.meta.persistence_id = persistence_id_;
    recorded.meta.type = event.type->name;
    recorded.meta.schema_version = event.type->schema_version;
    recorded.meta.time = last_time_;
    recorded.meta.command_id = options.command_id;
    recorded.meta.correlation_id = options.correlation_id;
    recorded.meta.causation_id = options.causation_id;
    recorded.meta.tags = options.tags;
    recorded.payload = std::move(event.payload);
    recorded.value = std::move(event.value);
    recorded.type = event.type;
  }
  decided_version_ += events.size();
  return write;
}

void aggregate_actor::hold(held_answer answer) {
  held_.push(std::move(answer));
  if (held_.size() == 1) release_ready();
}

// Answers what does not wait for a write: everything up to the next answer with one.
void aggregate_actor::release_ready() {
  while (!held_.empty() && !held_.front().write) {
    const auto answer = held_.pop();
    answer.reply(outcome_of(answer));
  }
}

command_result aggregate_actor::outcome_of(const held_answer& answer) {
  if (failed_write_) return command_failure{*failed_write_};
  if (answer.refusal) return std::visit([](const auto& why) { return command_failure{why}; }, *answer.refusal);
  auto outcome = durable_;
  outcome.events = 0;
  if (answer.command_id.empty()) return outcome;
  if (const auto* first = outcomes_.find(answer.command_id)) outcome = *first;
  outcome.repeated = true;
  return outcome;
}

void aggregate_actor::answered(const result<void>& outcome) {
  const auto answer = held_.pop();
  if (outcome) {
    for (const auto& event : answer.write->events) remember(event.meta);
    auto stored = durable_;
    stored.events = static_cast<std::uint32_t>(answer.write->events.size());
    answer.reply(stored);
  } else {
    // The writes behind a failed one were decided on events that do not exist. The store refuses them for their
    // expected version; what their callers should hear is what failed first.
    if (!failed_write_) {
      failed_write_ = outcome.error();
      start_draining(*failed_write_);
    }
    answer.reply(command_failure{*failed_write_});
  }
  release_ready();
  if (phase_ == phase::draining) finish_draining();
}

void aggregate_actor::start_draining(const error& why) {
  phase_ = phase::draining;
  around_.log(persistence_id_ + " starts again from the journal: " + why.message());
}

void aggregate_actor::finish_draining() {
  if (!held_.empty()) return;
  phase_ = phase::dormant;
  instance_.reset();
  failed_write_.reset();
  for (auto commands = std::exchange(waiting_, {}); !commands.empty();) run(commands.pop());
}

bool aggregate_actor::recover() {
  const auto now = around_.time.now();
  if (failed_recovery_ && now < retry_at_) return false;
  if (auto replayed = replay(); !replayed) {
    backoff_ = std::clamp(backoff_ * 2, around_.min_backoff, around_.max_backoff);
    retry_at_ = now + backoff_;
    if (!failed_recovery_) around_.log(persistence_id_ + " cannot be recovered: " + replayed.error().message());
    failed_recovery_ = std::move(replayed).error();
    instance_.reset();
    return false;
  }
  failed_recovery_.reset();
  backoff_ = std::chrono::milliseconds{0};
  phase_ = phase::ready;
  return true;
}

result<void> aggregate_actor::replay() {
  try {
    instance_ = definition_.create();
  } catch (...) {
    return handler_failure("creating the state of " + persistence_id_);
  }
  durable_ = {};
  outcomes_.clear();
  result<void> applied;
  auto read = around_.journal.read_stream(persistence_id_, 1, [&](const event_view& event) {
    applied = instance_->replay(event);
    if (!applied) return visit::stop;
    remember(event.meta);
    last_time_ = event.meta.time;
    return visit::next;
  });
  if (!read) return read;
  decided_version_ = durable_.sequence_number;
  return applied;
}

void aggregate_actor::remember(const metadata& event) {
  durable_.position = event.position;
  durable_.sequence_number = event.sequence_number;
  if (event.command_id.empty()) return;
  auto outcome = durable_;
  outcome.events = event.decision_index + 1;
  outcomes_.note(event.command_id, outcome);
}

}  // namespace tyto::detail

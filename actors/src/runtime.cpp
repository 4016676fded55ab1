#include "tyto/runtime.hpp"

#include <vector>

#include "actor/threads.hpp"
#include "engine.hpp"
#include "time_limit.hpp"

namespace tyto {

runtime::runtime(storage stores, runtime_options options)
    : engine_(std::make_unique<detail::engine>(std::move(stores), std::move(options))) {}

// What runs is left as it is where nobody can wait for it: in a forked child, which has no threads to stop, and in a
// handler, which has called std::exit() then and does not return. There it goes on until the process has ended, as if
// that were killed.
runtime::~runtime() {
  static auto* const left_running = new std::vector<std::unique_ptr<detail::engine>>;
  if (!engine_->is_of_this_process() || engine_->runs_here()) left_running->push_back(std::move(engine_));
}

runtime& runtime::add(const aggregate_definition& definition) {
  engine_->registered().aggregates.insert(&definition);
  return *this;
}
runtime& runtime::add(reaction_definition definition) {
  engine_->registered().reactions.push_back(std::move(definition));
  return *this;
}
runtime& runtime::add(projection_definition definition) {
  engine_->registered().projections.push_back(std::move(definition));
  return *this;
}
runtime& runtime::add(process_manager_definition definition) {
  engine_->registered().add(std::move(definition));
  return *this;
}
subscription runtime::subscribe(reaction_definition definition) { return engine_->subscribe(std::move(definition)); }

result<void> runtime::start() { return engine_->start(); }
result<void> runtime::stop() { return engine_->stop(); }

command_result runtime::execute(outgoing_command command, command_options options) {
  const auto timeout = options.timeout;
  const auto target = command.entity_id;
  auto answer = std::make_shared<std::promise<command_result>>();
  auto future = answer->get_future();
  engine_->submit(
      std::move(command), std::move(options), [answer](const command_result& outcome) { answer->set_value(outcome); },
      true);
  if (!detail::wait_until(future, detail::time_limit(timeout))) {
    return command_failure{error{errc::timeout, "waiting for the answer to a command to " + target,
                                 "none came in " + std::to_string(timeout.count()) + " ms; the command may still run"}};
  }
  return future.get();
}

void runtime::submit(outgoing_command command, command_options options,
                     std::function<void(const command_result&)> done) {
  engine_->submit(std::move(command), std::move(options), std::move(done), false);
}

result<void> runtime::ask(detail::version_calls calls, query_options options) {
  return engine_->ask(std::move(calls), options);
}

result<void> runtime::ask_together(const std::vector<detail::version_calls>& calls, query_options options) {
  return engine_->ask_together(calls, options);
}

result<live_query> runtime::watch(detail::version_calls calls, std::function<void()> tell) {
  return engine_->watch(std::move(calls), std::move(tell));
}

result<void> runtime::cancel_rebuild(std::string_view projection) { return engine_->cancel_rebuild(projection); }
result<void> runtime::caught_up(std::chrono::milliseconds timeout) { return engine_->caught_up(timeout); }
result<void> runtime::settle(std::chrono::milliseconds timeout) { return engine_->settle(timeout); }
result<std::vector<dead_letter>> runtime::dead_letters(std::string_view consumer) const {
  return engine_->dead_letters(consumer);
}
result<std::size_t> runtime::replay_dead_letters(std::string_view consumer, std::optional<std::string> key) {
  return engine_->replay_dead_letters(consumer, std::move(key));
}
result<std::size_t> runtime::discard_dead_letter(std::string_view consumer, std::uint64_t position) {
  return engine_->discard_dead_letter(consumer, position);
}

result<void> runtime::pause(std::string_view consumer, std::chrono::milliseconds timeout) {
  return engine_->pause(consumer, timeout);
}
result<void> runtime::resume(std::string_view consumer) { return engine_->resume(consumer); }
result<void> runtime::reset(std::string_view consumer) { return engine_->reset(consumer); }

void runtime::check_clock() const { engine_->check_clock(); }
runtime_status runtime::status() const { return engine_->status(); }
health_report runtime::health() const { return engine_->health(); }

}  // namespace tyto

#include "engine.hpp"

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>
#include <stdexcept>
#include <utility>

#include "caf_host.hpp"

namespace tyto::detail {
namespace {

constexpr std::size_t max_name_bytes = 255;  // of a command's ids and tags
constexpr std::size_t max_tags = 255;
constexpr std::size_t max_consumer_name_bytes = 200;
constexpr std::size_t max_partitions = 256;
constexpr std::size_t max_consumer_batch = 1'000'000;
constexpr std::string_view reserved_prefix = "tyto.";

void log_to_stderr(std::string_view line) {
  std::fprintf(stderr, "tyto: %.*s\n", static_cast<int>(line.size()), line.data());
}

error no_such_consumer(std::string doing) {
  return {errc::invalid_argument, std::move(doing), "there is no such consumer"};
}
error not_running(std::string doing) { return {errc::stopped, std::move(doing), "the runtime is not running"}; }

}  // namespace

engine::running::running(const storage& stores, const runtime_options& options, std::uint64_t head, engine& owner)
    : actors(make_caf_host(options.worker_threads)),
      health(*options.time),
      bus(head, options.max_recent_events, options.max_consumer_batch),
      commits(spawn<committer>(*actors, placement::dedicated, *stores.journal, bus, *actors, health, options.log,
                               options.max_commit_events)),
      snapshots(stores.snapshots, *actors, health, options.log),
      around_aggregates{{*stores.journal, stores.snapshots.get(),
                         std::max(options.command_id_window, options.max_commands_per_aggregate), options.log},
                        *options.time,
                        commits,
                        snapshots,
                        health,
                        [this](const std::string& id, std::uint64_t posted) { return aggregates.release(id, posted); },
                        options.max_commands_per_aggregate,
                        options.min_backoff,
                        options.max_backoff},
      around_consumers{*stores.journal,
                       bus,
                       *actors,
                       *options.time,
                       [&owner](outgoing_command command, command_options how, command_reply done) {
                         owner.dispatch(std::move(command), std::move(how), std::move(done));
                       },
                       options.log,
                       options.max_consumer_batch,
                       options.min_backoff,
                       options.max_backoff,
                       health},
      around_alarms{*actors,     *options.time,       around_consumers.dispatch,
                    options.log, options.min_backoff, options.max_backoff,
                    health},
      aggregates(around_aggregates, *actors, options.max_live_aggregates),
      housekeeping(
          spawn<housekeeper>(*actors, placement::shared, aggregates, *actors, *options.time, options.passivate_after)),
      watching(spawn<watchdog>(
          *actors, placement::shared, *actors, *options.time, health, options.stall_after,
          [&owner] { return owner.consumers(); }, [this] { return bus.head(); })) {
  if (options.passivate_after.count() > 0) housekeeping.post(look_around{});
  if (options.stall_after.count() > 0) watching.post(look_for_stalls{});
}

engine::engine(storage stores, runtime_options options) : stores_(std::move(stores)), options_(std::move(options)) {
  // Actors call it where nothing may be thrown.
  options_.log = [log = options_.log ? options_.log : log_to_stderr](std::string_view line) noexcept {
    try {
      log(line);
    } catch (...) {
      log_to_stderr(line);
    }
  };
}

engine::~engine() {
  if (auto stopped = stop(); !stopped) options_.log(stopped.error().message());
}

void engine::must_not_be_started() const {
  if (started_) throw std::logic_error("tyto: register aggregates, reactions and projections before start()");
}

void engine::add(const aggregate_definition& definition) {
  must_not_be_started();
  aggregates_.insert(&definition);
}

void engine::add(reaction_definition definition) {
  must_not_be_started();
  reactions_.push_back(std::move(definition));
}

void engine::add(projection_definition definition) {
  must_not_be_started();
  projections_.push_back(std::move(definition));
}

void engine::add(process_manager_definition definition) {
  must_not_be_started();
  aggregates_.insert(definition.instances);
  reactions_.push_back(std::move(definition.input));
  reactions_.push_back(std::move(definition.output));
  deadlines_.push_back(std::move(definition.deadlines));
}

std::shared_ptr<engine::running> engine::current() const {
  const std::lock_guard lock{consumers_mutex_};
  return running_;
}

void engine::subscribe(reaction_definition definition) {
  const std::lock_guard lock{consumers_mutex_};
  if (accepting_) {
    spawn_subscription(std::move(definition));
  } else {
    subscriptions_.push_back(std::move(definition));
  }
}

result<void> engine::check_options() const {
  const auto& o = options_;
  const auto is_zero = [](const char* what) {
    return error{errc::invalid_argument, "starting the runtime", std::string{"the option "} + what + " is 0"};
  };
  if (o.max_commands_in_flight == 0) return is_zero("max_commands_in_flight");
  if (o.max_commands_per_aggregate == 0) return is_zero("max_commands_per_aggregate");
  if (o.max_live_aggregates == 0) return is_zero("max_live_aggregates");
  if (o.max_commit_events == 0) return is_zero("max_commit_events");
  if (o.max_recent_events == 0) return is_zero("max_recent_events");
  if (o.max_consumer_batch == 0) return is_zero("max_consumer_batch");
  if (o.max_consumer_batch > max_consumer_batch) {
    return error{errc::invalid_argument, "starting the runtime",
                 "max_consumer_batch is more than " + std::to_string(max_consumer_batch)};
  }
  if (o.min_backoff.count() <= 0 || o.max_backoff < o.min_backoff) {
    return error{errc::invalid_argument, "starting the runtime",
                 "min_backoff must be more than 0 and no more than max_backoff"};
  }
  if (o.passivate_after.count() < 0 || o.stall_after.count() < 0) {
    return error{errc::invalid_argument, "starting the runtime", "passivate_after or stall_after is less than 0"};
  }
  return {};
}

result<void> engine::check_domain() const {
  const auto misfit = [](std::string what) {
    return error{errc::invalid_argument, "starting the runtime", std::move(what)};
  };
  std::map<std::string_view, const event_type*> types;
  std::set<std::string_view> categories;
  for (const auto* aggregate : aggregates_) {
    if (!categories.insert(aggregate->category).second) {
      return misfit("two aggregates have the category '" + std::string{aggregate->category} + "'");
    }
    if (aggregate->category.empty() || aggregate->category.find('|') != std::string_view::npos) {
      return misfit("'" + std::string{aggregate->category} + "' is no category: it is empty or holds a '|'");
    }
    for (const auto* type : aggregate->events) {
      if (type->name.starts_with(reserved_prefix) && type != &type_of<deadline_reached>()) {
        return misfit("the stored name '" + std::string{type->name} + "' begins with '" + std::string{reserved_prefix} +
                      "', which is Tyto's own");
      }
      if (types.emplace(type->name, type).first->second != type) {
        return misfit("two event types have the stored name '" + std::string{type->name} + "'");
      }
    }
  }
  std::set<std::string_view> names;
  const auto check_consumer = [&](const auto& checked) -> result<void> {
    const std::string& name = checked.name;
    if (name.empty() || name.size() > max_consumer_name_bytes || name.find('\0') != std::string::npos) {
      return misfit("'" + name + "' is no name for a consumer: 1 to " + std::to_string(max_consumer_name_bytes) +
                    " bytes without NUL");
    }
    if (name.find('#') != std::string::npos) return misfit("'" + name + "' is no name for a consumer: it holds a '#'");
    if (!names.insert(name).second) return misfit("two consumers have the name '" + name + "'");
    if (checked.partitions == 0 || checked.partitions > max_partitions) {
      return misfit("consumer '" + name + "' has " + std::to_string(checked.partitions) +
                    " partitions; it must be 1 to " + std::to_string(max_partitions));
    }
    if (checked.handlers.empty()) return misfit("consumer '" + name + "' handles no events");
    return {};
  };
  for (const auto& each : reactions_) {
    if (auto checked = check_consumer(each); !checked) return checked;
  }
  for (const auto& each : projections_) {
    if (auto checked = check_consumer(each); !checked) return checked;
  }
  for (const auto& each : deadlines_) {
    if (auto checked = check_consumer(each); !checked) return checked;
  }
  return {};
}

result<void> engine::start() {
  if (started_) return error{errc::invalid_argument, "starting the runtime", "it has been started before"};
  if (auto checked = check_options(); !checked) return checked;
  if (auto checked = check_domain(); !checked) return checked;
  auto head = stores_.journal->head();
  if (!head) return error{head.error().code(), "starting the runtime"}.because(head.error());
  std::vector<std::vector<std::uint64_t>> parts_before;  // of each reaction
  for (const auto& each : reactions_) {
    auto split = split_checkpoints(*stores_.journal, each.name, each.partitions, each.from);
    if (!split) return error{split.error().code(), "starting the runtime"}.because(split.error());
    parts_before.push_back(*std::move(split));
  }
  const std::lock_guard once{stop_mutex_};
  const auto rebuilds = plan_rebuilds();
  if (!rebuilds) return rebuilds.error();
  std::unique_lock lock{consumers_mutex_};
  started_ = true;
  running_ = std::make_shared<running>(stores_, options_, *head, *this);
  for (std::size_t r = 0; r < reactions_.size(); ++r) {
    const auto& each = reactions_[r];
    for (std::size_t i = 0; i < each.partitions; ++i) {
      const partition part{i, each.partitions, parts_before[r]};
      spawn_consumer(make_reaction_handler(each, part.checkpoint(each.name), *stores_.journal, running_->commits),
                     part);
    }
  }
  for (auto& each : projections_) {
    const bool is_rebuilt = std::ranges::count(*rebuilds, each.name, &replacement::name) > 0;
    spawn_consumer(make_projection_handler(std::move(each), *stores_.read_models), partition{},
                   is_rebuilt ? progress::standing::building : progress::standing::answering);
  }
  for (auto& each : deadlines_) {
    auto ringing = spawn<alarm_clock>(*running_->actors, placement::shared, running_->around_alarms,
                                      each.name.substr(0, each.name.rfind('/')), each.fire);
    running_->alarms.push_back(ringing);
    spawn_consumer(make_deadlines_handler(std::move(each), *stores_.read_models, std::move(ringing)));
  }
  for (auto& each : subscriptions_) spawn_subscription(std::move(each));
  accepting_ = true;
  lock.unlock();
  begin_rebuilds(*rebuilds);
  return {};
}

void engine::spawn_consumer(std::unique_ptr<consumer_handler> handler, const partition& part,
                            progress::standing standing) {
  const auto name = handler->definition().name;
  auto shown = std::make_shared<progress>(part.label(name), standing);
  auto actor = spawn<consumer_actor>(*running_->actors, placement::dedicated, running_->around_consumers, part,
                                     std::move(handler), shown);
  actor.post(begin{});
  consumers_.push_back({name, std::move(actor), std::move(shown)});
}

void engine::spawn_subscription(reaction_definition definition) {
  definition.failures.then = on_failure::retry;  // it has no name of its own under which to put anything on record
  const auto subscriber = std::exchange(definition.name, {});
  definition.name = "subscription " + std::to_string(++subscription_count_) + " to " +
                    definition.handlers.begin()->first + (subscriber.empty() ? "" : " of " + subscriber);
  spawn_consumer(make_subscription_handler(std::move(definition), running_->bus.head()));
}

result<void> engine::stop() {
  const std::lock_guard once{stop_mutex_};
  if (!running_) return {};
  {
    const std::lock_guard lock{consumers_mutex_};
    accepting_ = false;
  }
  {
    std::unique_lock lock{answered_mutex_};
    answered_.wait(lock, [this] { return in_flight_ == 0; });
  }
  rebuilds_.clear();
  for (const auto& each : consumers_) {
    if (each.actor.box()) stop_and_wait(each.actor);
  }
  for (const auto& each : running_->alarms) stop_and_wait(each);  // from here on nobody sends a command
  stop_and_wait(running_->commits);
  if (running_->snapshots.store() != nullptr) stop_and_wait(running_->snapshots.writer());
  running_->housekeeping.close();
  running_->watching.close();
  running_->aggregates.close();
  running_->actors->wait_for_all();  // they use what is given up next
  const std::lock_guard lock{consumers_mutex_};
  for (auto& each : consumers_) each.actor = {};
  running_.reset();
  return {};
}

void engine::submit(outgoing_command command, command_options options, command_reply done, bool waits) {
  if (!take_in(options)) {
    return done(command_failure{error{errc::overloaded, "sending a command to " + command.entity_id,
                                      std::to_string(options_.max_commands_in_flight) +
                                          " commands are in flight; wait for answers before sending more"}});
  }
  // Counted as in flight before this look, so that stop() waits for it or it sees that it is too late.
  if (!accepting_) {
    answered();
    return done(command_failure{not_running("sending a command to " + command.entity_id)});
  }
  if (options.correlation_id.empty()) options.correlation_id = options.command_id;
  dispatch(
      std::move(command), std::move(options),
      [this, done = std::move(done)](const command_result& outcome) {
        try {
          done(outcome);
        } catch (...) {
          options_.log(handler_failure("calling back with a command's answer").message());
        }
        answered();
      },
      waits);
}

bool engine::take_in(const command_options& options) {
  const auto has_room = [this] {
    auto now = in_flight_.load();
    while (now < options_.max_commands_in_flight) {
      if (in_flight_.compare_exchange_weak(now, now + 1)) return true;
    }
    return false;
  };
  if (has_room()) return true;
  if (options.overflow == when_full::fail) return false;
  std::unique_lock lock{answered_mutex_};
  ++waiting_for_room_;
  const bool taken = answered_.wait_until(lock, deadline_after(options.timeout), has_room);
  --waiting_for_room_;
  return taken;
}

void engine::answered() {
  if (in_flight_.fetch_sub(1) != 1 && waiting_for_room_ == 0) return;
  const std::lock_guard lock{answered_mutex_};
  answered_.notify_all();
}

std::optional<error> engine::refuse(const outgoing_command& command, const std::string& persistence_id,
                                    const command_options& options) const {
  const auto doing = "sending a command to " + persistence_id;
  if (!aggregates_.contains(command.target) && command.target != &definition_of<consumer_record>()) {
    return error{errc::invalid_argument, doing, "the runtime has no such aggregate; register it before start()"};
  }
  if (auto checked = check_persistence_id(persistence_id); !checked) return checked.error();
  if (options.tags.size() > max_tags) {
    return error{errc::invalid_argument, doing,
                 std::to_string(options.tags.size()) + " tags, the limit is " + std::to_string(max_tags)};
  }
  const auto check = [&doing](const std::string& name) -> std::optional<error> {
    if (name.size() <= max_name_bytes) return std::nullopt;
    return error{errc::invalid_argument, doing,
                 "the id or tag '" + name.substr(0, 40) + "...' has " + std::to_string(name.size()) +
                     " bytes, the limit is " + std::to_string(max_name_bytes)};
  };
  for (const auto* id : {&options.command_id, &options.correlation_id, &options.causation_id}) {
    if (auto refused = check(*id)) return refused;
  }
  for (const auto& tag : options.tags) {
    if (auto refused = check(tag)) return refused;
  }
  return std::nullopt;
}

void engine::dispatch(outgoing_command command, command_options options, command_reply done, bool waits) {
  auto persistence_id = make_persistence_id(command.target->category, command.entity_id);
  if (auto refused = refuse(command, persistence_id, options)) return done(command_failure{*std::move(refused)});
  run_command message{std::move(command.command), std::move(options), std::move(done), std::move(command.retain),
                      waits};
  if (!waits) return running_->aggregates.post(*command.target, std::move(persistence_id), std::move(message));
  const auto stays = current();  // until the turn is over: the answer may let stop() go on before
  const auto turn = stays->aggregates.post_for_turn(*command.target, std::move(persistence_id), std::move(message));
  if (turn) turn();
}

std::vector<std::shared_ptr<progress>> engine::consumers() const {
  const std::lock_guard lock{consumers_mutex_};
  std::vector<std::shared_ptr<progress>> all;
  all.reserve(consumers_.size());
  for (const auto& each : consumers_) all.push_back(each.shown);
  return all;
}

std::shared_ptr<progress> engine::find_projection(std::string_view name) const {
  const std::lock_guard lock{consumers_mutex_};
  const auto found = std::ranges::find_if(consumers_, [name](const auto& each) { return each.shown->name() == name; });
  return found == consumers_.end() ? nullptr : found->shown;
}

result<void> engine::settle(std::chrono::milliseconds timeout) const {
  const std::string doing = "waiting for the runtime to settle";
  const auto deadline = deadline_after(timeout);
  const auto now_running = current();
  while (now_running && accepting_) {
    {
      std::unique_lock lock{answered_mutex_};
      if (!answered_.wait_until(lock, deadline, [this] { return in_flight_ == 0; })) {
        return error{errc::timeout, doing, std::to_string(in_flight_) + " commands are not answered"};
      }
    }
    const auto head = now_running->bus.head();
    for (const auto& each : consumers()) {
      if (each->wait_for(head, deadline) || each->is_retired()) continue;
      const auto now = each->status();
      if (now.state == consumer_state::stopped) return not_running(doing);
      return error{errc::timeout, doing,
                   "consumer '" + now.name + "' is at position " + std::to_string(now.position) + " of " +
                       std::to_string(head) + (now.last_error.empty() ? "" : "; its last error: " + now.last_error)};
    }
    // A reaction is done with an event when the commands that follow from it are answered, so whatever they led to has
    // moved the head by now.
    if (in_flight_ == 0 && now_running->bus.head() == head) return {};
  }
  return not_running(doing);
}

result<std::vector<dead_letter>> engine::dead_letters(std::string_view of) const {
  {
    const std::lock_guard lock{consumers_mutex_};
    if (std::ranges::count(consumers_, of, &consumer::name) == 0) {
      return no_such_consumer("listing the dead letters of '" + std::string{of} + "'");
    }
  }
  return tyto::dead_letters(*stores_.journal, of);
}

result<std::size_t> engine::release(std::string_view of, const release_parked& request) {
  const auto doing = "releasing dead letters of '" + std::string{of} + "'";
  std::vector<std::future<result<std::size_t>>> answers;
  {
    const std::lock_guard lock{consumers_mutex_};
    if (!accepting_) return not_running(doing);
    for (const auto& each : consumers_) {
      if (each.name != of || !each.actor.box()) continue;  // a replaced one has none
      auto answer = std::make_shared<std::promise<result<std::size_t>>>();
      answers.push_back(answer->get_future());
      auto part = request;
      part.reply = [answer](result<std::size_t> released) { answer->set_value(std::move(released)); };
      each.actor.post(std::move(part));
    }
  }
  if (answers.empty()) return no_such_consumer(doing);
  result<std::size_t> all{std::size_t{0}};
  for (auto& each : answers) {
    auto released = each.get();
    if (!released) {
      all = std::move(released);
    } else if (all) {
      *all += *released;
    }
  }
  return all;
}

void engine::check_clock() const {
  if (const auto now_running = current()) {
    for (const auto& each : now_running->alarms) each.post(ring{});
  }
}

runtime_status engine::status() const {
  runtime_status now;
  const auto head = stores_.journal->head();
  now.head = head ? *head : 0;
  now.commands_in_flight = in_flight_;
  if (const auto now_running = current()) {
    now.commits = now_running->bus.published();
    now.live_aggregates = now_running->aggregates.live();
  }
  for (const auto& each : consumers()) now.consumers.push_back(each->status(now.head, options_.time->now()));
  return now;
}

health_report engine::health() const {
  const auto now_running = current();
  return now_running ? now_running->health.shown() : health_report{};
}

}  // namespace tyto::detail

#include "engine.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <future>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "actor/caf_host.hpp"
#include "actor/lent_thread.hpp"
#include "actor/threads.hpp"
#include "consumer/quick_handler.hpp"
#include "reading/live_query.hpp"
#include "time_limit.hpp"
#include "tyto/printable.hpp"

namespace tyto::detail {
namespace {

void log_to_stderr(std::string_view line) {
  std::fprintf(stderr, "tyto: %.*s\n", static_cast<int>(line.size()), line.data());
}

error no_such_consumer(std::string doing) {
  return {errc::invalid_argument, std::move(doing), "there is no such consumer"};
}
error not_running(std::string doing) { return {errc::stopped, std::move(doing), "the runtime is not running"}; }

error starting_failed(const error& why) { return error{why.code(), "starting the runtime"}.because(why); }

// Also returns true if the alarm stops.
bool wait_until_quiet(const address<alarm_message>& alarm, std::chrono::steady_clock::time_point limit) {
  auto said = std::make_shared<std::promise<void>>();
  auto quiet = said->get_future();
  alarm.post(say_when_quiet{[said = std::move(said)] { said->set_value(); }});
  return wait_until(quiet, limit);
}

std::string place_of(const consumer_status& behind, std::uint64_t head) {
  return "'" + behind.name + "' is at position " + std::to_string(behind.position) + " of " + std::to_string(head) +
         (behind.last_error.empty() ? "" : ", its last error: " + behind.last_error);
}

std::unique_ptr<host> make_host(const runtime_options& options) {
  auto* const simulated = simulated_threads::here();
  return simulated != nullptr ? simulated->make_host() : make_caf_host(options.worker_threads);
}

}  // namespace

engine::running::running(const storage& stores, const runtime_options& options, std::uint64_t head,
                         const domain& registered, const roster& consumers)
    : actors(make_host(options)),
      health(*options.time, options.log),
      bus(head, options.max_recent_events, options.max_consumer_batch),
      commits(spawn<committer>(*actors, placement::dedicated, *stores.journal, bus, *actors, health, options.log,
                               options.max_commit_events)),
      snapshots(stores.snapshots, *actors, health, options.log),
      around_aggregates{
          {*stores.journal, stores.snapshots.get(),
           std::max(options.command_id_window, options.max_commands_per_aggregate), options.log, &registered.makers},
          *options.time,
          *actors,
          commits,
          snapshots,
          health,
          options.max_commands_per_aggregate,
          options.min_backoff,
          options.max_backoff},
      aggregates(around_aggregates, *actors, options.max_live_aggregates),
      sender(aggregates, registered.aggregates),
      around_consumers{
          *stores.journal,     bus,   *actors, sender, options.log, options.max_consumer_batch, options.min_backoff,
          options.max_backoff, health},
      around_alarms{*actors,
                    *options.time,
                    sender,
                    [this] { return bus.head(); },
                    options.log,
                    options.min_backoff,
                    options.max_backoff,
                    health},
      housekeeping(spawn<housekeeper>(*actors, placement::shared, aggregates, *actors, options.passivate_after)),
      watching(spawn<watchdog>(
          *actors, placement::shared, *actors, health, options.stall_after, [&consumers] { return consumers.all(); },
          [this] { return bus.head(); })),
      storage_watching(spawn<storage_watch>(
          *actors, placement::shared, *actors, health, options.log, ::getpid(),
          std::vector<watched_storage>{{"journal", [journal = stores.journal] { return journal->condition(); }},
                                       {"read models", [rows = stores.read_models] { return rows->condition(); }}})) {
  storage_watching.post(look_at_storage{});
  if (options.passivate_after.count() > 0) housekeeping.post(look_around{});
  if (options.stall_after.count() > 0) watching.post(look_for_stalls{});
}

engine::engine(storage stores, runtime_options options)
    : stores_(std::move(stores)),
      options_(std::move(options)),
      gate_(options_.max_commands_in_flight, [this](std::string_view line) { options_.log(line); }),
      consumers_(std::make_shared<roster>()),
      rebuilds_(*consumers_, [this](std::string_view line) { options_.log(line); }) {
  for (auto* each : {&options_.passivate_after, &options_.stall_after, &options_.min_backoff, &options_.max_backoff}) {
    *each = std::min(*each, longest_wait);
  }
  // Actors call it where nothing may be thrown, with names and messages that may hold anything.
  options_.log = [log = options_.log ? options_.log : log_to_stderr](std::string_view line) noexcept {
    try {
      log(printable(line));
    } catch (...) {
      log_to_stderr(line);
    }
  };
}

engine::~engine() {
  if (auto stopped = stop(); !stopped) options_.log(stopped.error().message());
  for (const auto& each : subscribers_) each->end(false);  // the runtime was never started
}

domain& engine::registered() {
  if (started_) throw std::logic_error("tyto: register aggregates, reactions and projections before start()");
  return domain_;
}

std::shared_ptr<engine::running> engine::current() const {
  if (!owner_.is_this()) return nullptr;
  const std::lock_guard lock{mutex_};
  return running_;
}

subscription engine::subscribe(reaction_definition definition) {
  auto made = std::make_shared<subscriber>(std::move(definition));
  if (!owner_.is_this()) return subscription{std::move(made)};
  const std::lock_guard lock{mutex_};
  if (gate_.is_open()) {
    if (auto may = try_threads(made->never_blocks() ? 0 : 1, "subscribing"); !may) {
      throw std::system_error{EAGAIN, std::generic_category(), may.error().message()};
    }
    spawn_subscription(*running_, *made);
  } else {
    subscribers_.push_back(made);
  }
  return subscription{std::move(made)};
}

bool engine::has_control_socket() const {
  return !options_.control_socket.empty() && simulated_threads::here() == nullptr;
}

// CAF ends the program, or waits for ever, where it does not get a thread.
result<void> engine::try_threads_for(const std::vector<projection_definition>& projections) const {
  auto count = threads_of_caf_host(options_.worker_threads) + projections.size() + domain_.deadlines.size() +
               rebuilds_.planned() + 1;  // the committer's
  if (stores_.snapshots) ++count;
  if (has_control_socket()) ++count;
  for (const auto& each : domain_.reactions) count += each.partitions;
  {
    const std::lock_guard lock{mutex_};
    count += static_cast<std::size_t>(
        std::ranges::count_if(subscribers_, [](const auto& each) { return !each->never_blocks(); }));
  }
  return try_threads(count, "starting the runtime");
}

result<void> engine::start() {
  if (started_) return error{errc::invalid_argument, "starting the runtime", "it has been started before"};
  if (auto checked = options_.check(); !checked) return checked;
  if (auto checked = domain_.check(); !checked) return checked;
  if (!stores_.journal || !stores_.read_models) {
    return error{errc::invalid_argument, "starting the runtime",
                 "its storage has no journal or no read models; open_lmdb() and open_memory() make both"};
  }
  auto claim = storage_claim::take(stores_);
  if (!claim) return std::move(claim).error();
  auto head = stores_.journal->head();
  if (!head) return starting_failed(head.error());
  const std::lock_guard once{stop_mutex_};
  auto projections = domain_.projections;  // without those that have been replaced for good
  if (auto planned = rebuilds_.plan(*stores_.read_models, projections); !planned) return planned;
  if (auto possible = try_threads_for(projections); !possible) return possible;
  std::vector<std::vector<partition>> shares;  // of each reaction
  for (const auto& each : domain_.reactions) {
    auto before = split_checkpoints(*stores_.journal, each.name, each.partitions, each.from);
    if (!before) return starting_failed(before.error());
    auto& all = shares.emplace_back();
    for (std::size_t i = 0; i < each.partitions; ++i) all.push_back({i, each.partitions, *before});
  }
  auto unregistered = find_unregistered();
  if (!unregistered) return starting_failed(unregistered.error());
  std::unique_ptr<control_server> control;  // last of what may fail; who connects before everything runs waits for that
  if (has_control_socket()) {
    auto opened = control_server::open(options_.control_socket, *this, options_.log);
    if (!opened) return starting_failed(opened.error());
    control = *std::move(opened);
  }
  {
    const std::lock_guard lock{mutex_};
    started_ = true;
    claim_ = *std::move(claim);
    unregistered_ = *std::move(unregistered);
    running_ = std::make_shared<running>(stores_, options_, *head, domain_, *consumers_);
    for (std::size_t i = 0; i < shares.size(); ++i) spawn_reaction(*running_, domain_.reactions[i], shares[i]);
    for (auto& each : projections) spawn_projection(*running_, std::move(each));
    for (const auto& each : domain_.deadlines) spawn_deadlines(*running_, each);
    for (const auto& each : std::exchange(subscribers_, {})) spawn_subscription(*running_, *each);
    gate_.open();
  }
  control_ = std::move(control);
  // What is running stays until stop() has ended all waiting.
  rebuilds_.begin([this] { return running_->bus.head(); });
  return {};
}

result<std::vector<unregistered_consumer>> engine::find_unregistered() const {
  auto checkpoints = stores_.journal->checkpoints();
  if (!checkpoints) return std::move(checkpoints).error();
  auto rows = stores_.read_models->checkpoints();
  if (!rows) return std::move(rows).error();
  auto known = positions_of_consumers(*checkpoints);
  for (const auto& each : *rows) known.insert_or_assign(each.name, each.position);
  for (const auto& name : domain_.consumer_names()) known.erase(std::string{name});
  std::vector<unregistered_consumer> found;
  for (const auto& [name, position] : known) {
    auto letters = tyto::dead_letters(*stores_.journal, name);
    if (!letters) return std::move(letters).error();
    found.push_back({name, position, letters->size()});
  }
  return found;
}

void engine::spawn_reaction(running& in, const reaction_definition& definition, const std::vector<partition>& shares) {
  for (const auto& share : shares) {
    spawn_consumer(in,
                   make_reaction_handler(definition, share.checkpoint(definition.name), *stores_.journal, in.commits),
                   std::make_shared<progress>(share.label(definition.name), definition.name), share);
  }
}

void engine::spawn_projection(running& in, projection_definition definition) {
  const auto role = rebuilds_.is_planned(definition.name) ? progress::role::building : progress::role::answering;
  auto shown = std::make_shared<progress>(definition.name, role);
  spawn_consumer(in, make_projection_handler(std::move(definition), *stores_.read_models), std::move(shown));
}

// The process manager's reactions are there already.
void engine::spawn_deadlines(running& in, deadlines_definition definition) {
  auto manager = definition.name.substr(0, definition.name.rfind('/'));
  auto inputs = consumers_->mailboxes_of(manager);
  auto shown = std::make_shared<progress>(definition.name);
  auto alarm =
      spawn<alarm_clock>(*in.actors, placement::shared, in.around_alarms,
                         alarm_owner{std::move(manager), std::move(inputs), definition.fire, definition.drop, shown});
  in.alarms.push_back(alarm);
  spawn_consumer(in, make_deadlines_handler(std::move(definition), *stores_.read_models, std::move(alarm)),
                 std::move(shown));
}

std::uint64_t engine::spawn_consumer(running& in, std::unique_ptr<consumer_handler> handler,
                                     std::shared_ptr<progress> shown, const partition& share) {
  const auto name = handler->definition().name;
  const auto where = handler->definition().never_blocks ? placement::shared : placement::dedicated;
  auto actor = spawn<consumer_actor>(*in.actors, where, in.around_consumers, share, std::move(handler), shown);
  actor.post(begin{});
  return consumers_->add(name, std::move(actor), std::move(shown));
}

void engine::spawn_subscription(running& in, subscriber& of) {
  auto definition = of.definition();
  if (definition.handlers.empty()) return;       // it has ended
  definition.failures.then = on_failure::retry;  // it has no name of its own under which to put anything on record
  const auto receiver = std::exchange(definition.name, {});
  definition.name = "subscription " + std::to_string(++subscription_count_) + " to " +
                    definition.handlers.begin()->first + (receiver.empty() ? "" : " of " + receiver);
  auto shown = std::make_shared<progress>(definition.name);
  of.has_started(consumers_,
                 spawn_consumer(in, make_subscription_handler(std::move(definition), in.bus.head()), std::move(shown)));
}

bool engine::runs_here() const {
  const auto now_running = current();
  return now_running && now_running->actors->runs_here();
}

result<void> engine::stop() {
  if (!owner_.is_this()) return owner_.refusal("stopping the runtime", "it");
  if (runs_here()) {
    return error{errc::invalid_argument, "stopping the runtime", "a handler cannot stop what waits for it to return"};
  }
  const std::lock_guard once{stop_mutex_};
  const auto stopping = current();
  if (!stopping) return {};
  {
    const std::lock_guard lock{mutex_};
    gate_.close();
  }
  gate_.wait_until_empty();
  rebuilds_.stop();
  consumers_->stop_all();
  for (const auto& each : stopping->alarms) stop_and_wait(each);  // from here on nobody sends a command
  stop_and_wait(stopping->commits);
  if (stopping->snapshots.store() != nullptr) stop_and_wait(stopping->snapshots.writer());
  stopping->housekeeping.close();
  stopping->watching.close();
  stopping->storage_watching.close();
  stopping->aggregates.close();
  stopping->actors->wait_for_all();  // they use what is given up next
  control_.reset();                  // what its clients wait for has been answered
  consumers_->let_go();
  const std::lock_guard lock{mutex_};
  running_.reset();
  claim_ = {};
  return {};
}

void engine::submit(outgoing_command command, command_options options, command_reply::function done, bool waits) {
  if (options.correlation_id.empty()) options.correlation_id = options.command_id;
  if (options.correlation_id.empty()) {
    try {
      options.correlation_id = options_.ids->next();
    } catch (...) {
      return done(command_failure{handler_failure("making a correlation id")});
    }
  }
  auto& with = command.options;
  if (options.expected.is_any()) options.expected = with.expected;
  options.tags.insert(options.tags.end(), with.tags.begin(), with.tags.end());
  options.record_rejection |= with.record_rejection;
  if (waits && quick_handler_call::is_here()) {
    return done(command_failure{error{errc::invalid_argument, "executing a command",
                                      "a handler that never blocks cannot wait for the answer; submit() the command"}});
  }
  // Last of all: who is in stays until the answer.
  if (auto in = gate_.enter(options.overflow, options.timeout); !in) return done(command_failure{in.error()});
  command_reply reply{std::move(done), &gate_, waits};
  if (!waits) return running_->sender.send(std::move(command), std::move(options), std::move(reply));
  const auto stays = current();  // until the turns are over: the answer may let stop() go on before
  const lent_thread own{lent_to::way_of_a_command};
  stays->sender.send(std::move(command), std::move(options), std::move(reply));
}

result<void> engine::settle(std::chrono::milliseconds timeout) const {
  const std::string doing = "waiting for the runtime to settle";
  const auto limit = time_limit(timeout);
  const auto now_running = current();
  while (now_running && gate_.is_open()) {
    if (!gate_.wait_until_empty(limit)) {
      return error{errc::timeout, doing, std::to_string(gate_.inside()) + " commands are not answered"};
    }
    const auto head = now_running->bus.head();
    for (const auto& each : consumers_->all()) {
      if (each->wait_for(head, limit) || each->is_retired()) continue;
      const auto now = each->status();
      if (now.state == consumer_state::stopped) return not_running(doing);
      return error{errc::timeout, doing, "consumer " + place_of(now, head)};
    }
    for (const auto& each : now_running->alarms) {
      if (!wait_until_quiet(each, limit)) return error{errc::timeout, doing, "deadlines are being told"};
    }
    // A reaction is done with an event when the commands that follow from it are answered, and a deadline when the
    // instance has answered, so whatever they led to has moved the head by now.
    if (gate_.inside() == 0 && now_running->bus.head() == head) return {};
  }
  return not_running(doing);
}

result<void> engine::caught_up(std::chrono::milliseconds timeout) const {
  const std::string doing = "waiting for the consumers to catch up";
  const auto limit = time_limit(timeout);
  const auto now_running = current();
  if (!now_running) return not_running(doing);
  const auto head = now_running->bus.head();
  std::string behind;
  for (const auto& each : consumers_->all()) {
    if (each->wait_for(head, limit) || each->is_retired()) continue;
    const auto now = each->status();
    if (now.state == consumer_state::stopped) return not_running(doing);
    behind += (behind.empty() ? "" : "; ") + place_of(now, head);
  }
  if (behind.empty()) return {};
  return error{errc::timeout, doing, behind};
}

result<versions> engine::versions_of(version_calls calls) const {
  versions found;
  for (auto& each : calls) {
    if (auto shown = consumers_->find(each.name)) found.push_back({std::move(shown), std::move(each.call)});
  }
  if (!found.empty()) return found;
  return error{errc::invalid_argument, "querying '" + std::string{calls.front().name} + "'",
               "the runtime has not been started with this projection"};
}

result<void> engine::ask(version_calls calls, query_options options) const {
  const auto asked = versions_of(std::move(calls));
  if (!asked) return asked.error();
  return detail::ask(*stores_.read_models, *asked, options.at_least, time_limit(options.timeout));
}

result<void> engine::ask_together(const std::vector<version_calls>& calls, query_options options) const {
  std::vector<versions> asked;
  for (const auto& each : calls) {
    auto found = versions_of(each);
    if (!found) return std::move(found).error();
    asked.push_back(*std::move(found));
  }
  return detail::ask_together(*stores_.read_models, asked, options.at_least, time_limit(options.timeout));
}

result<live_query> engine::watch(version_calls calls, std::function<void()> tell) const {
  const auto doing = "watching '" + std::string{calls.front().name} + "'";
  auto asked = versions_of(std::move(calls));
  if (!asked) return std::move(asked).error();
  try {
    return live_query{std::make_unique<watcher>(stores_.read_models, *std::move(asked), std::move(tell), options_.log)};
  } catch (const std::system_error&) {
    return threads_refused(doing);
  }
}

result<void> engine::cancel_rebuild(std::string_view projection) { return rebuilds_.cancel(projection); }

result<std::vector<dead_letter>> engine::dead_letters(std::string_view of) const {
  if (!consumers_->knows(of)) return no_such_consumer("listing the dead letters of '" + std::string{of} + "'");
  return tyto::dead_letters(*stores_.journal, of);
}

result<std::size_t> engine::replay_dead_letters(std::string_view of, std::optional<std::string> key) {
  return release(of, {release_parked::way::replay, std::nullopt, std::move(key), nullptr});
}

result<std::size_t> engine::discard_dead_letter(std::string_view of, std::uint64_t position) {
  return release(of, {release_parked::way::discard, position, std::nullopt, nullptr});
}

result<std::size_t> engine::release(std::string_view of, const release_parked& request) {
  std::vector<std::future<result<std::size_t>>> answers;
  auto posted =
      post_to(of, "releasing dead letters of '" + std::string{of} + "'", [&](const address<consumer_message>& to) {
        auto answer = std::make_shared<std::promise<result<std::size_t>>>();
        answers.push_back(answer->get_future());
        auto share = request;
        share.reply = [answer](result<std::size_t> released) { answer->set_value(std::move(released)); };
        to.post(std::move(share));
      });
  if (!posted) return posted.error();
  result<std::size_t> all{std::size_t{0}};
  for (auto& each : answers) {
    wait_for(each);
    auto released = each.get();
    if (!released) {
      all = std::move(released);
    } else if (all) {
      *all += *released;
    }
  }
  return all;
}

result<void> engine::pause(std::string_view consumer, std::chrono::milliseconds timeout) {
  const auto doing = "pausing '" + std::string{consumer} + "'";
  std::vector<std::future<void>> paused;
  auto posted = post_to(consumer, doing, [&paused](const address<consumer_message>& to) {
    auto done = std::make_shared<std::promise<void>>();
    paused.push_back(done->get_future());
    to.post(pause_consumer{[done] { done->set_value(); }});
  });
  if (!posted) return posted;
  const auto limit = time_limit(timeout);
  for (const auto& each : paused) {
    if (wait_until(each, limit)) continue;
    return error{errc::timeout, doing, "it pauses when it is done with what it has in hand, which takes longer"};
  }
  return {};
}

result<void> engine::resume(std::string_view consumer) {
  return post_to(consumer, "resuming '" + std::string{consumer} + "'",
                 [](const address<consumer_message>& to) { to.post(resume_consumer{}); });
}

result<void> engine::reset(std::string_view consumer) {
  std::vector<std::future<result<void>>> answers;
  auto posted =
      post_to(consumer, "resetting '" + std::string{consumer} + "'", [&answers](const address<consumer_message>& to) {
        auto answer = std::make_shared<std::promise<result<void>>>();
        answers.push_back(answer->get_future());
        to.post(reset_consumer{[answer](result<void> done) { answer->set_value(std::move(done)); }});
      });
  for (auto& each : answers) {
    wait_for(each);
    if (auto done = each.get(); !done) posted = std::move(done);
  }
  return posted;
}

result<void> engine::change_stream(std::string_view persistence_id, retention what) {
  const auto doing = "changing what is kept of '" + std::string{persistence_id} + "'";
  if (auto usable = check_persistence_id(persistence_id); !usable) return usable;
  const auto category = category_of(persistence_id);
  const auto target = std::ranges::find(
      domain_.aggregates, category, [](const aggregate_definition* each) { return std::string_view{each->category}; });
  if (target == domain_.aggregates.end()) {
    return error{errc::invalid_argument, doing,
                 "the program has no aggregate of the category '" + std::string{category} + "'"};
  }
  const command_options options;
  auto answer = std::make_shared<std::promise<command_result>>();
  auto future = answer->get_future();
  submit(
      {*target, std::string{entity_id_of(persistence_id)}, nullptr, std::move(what)}, options,
      [answer](const command_result& outcome) { answer->set_value(outcome); }, false);
  if (!wait_until(future, time_limit(options.timeout))) {
    return error{errc::timeout, doing, "no answer came in time; it may still be done"};
  }
  const auto outcome = future.get();
  if (outcome) return {};
  if (const auto* failed = outcome.error().failed()) return *failed;
  return error{errc::invalid_argument, doing, outcome.error().message()};
}

// Under the lock, so that consumers answer before they are stopped.
result<void> engine::post_to(std::string_view consumer, const std::string& doing,
                             const std::function<void(const address<consumer_message>&)>& post) {
  const std::lock_guard lock{mutex_};
  if (!gate_.is_open()) return not_running(doing);
  const auto mailboxes = consumers_->mailboxes_of(consumer);
  if (mailboxes.empty()) return no_such_consumer(doing);
  for (const auto& each : mailboxes) post(each);
  return {};
}

void engine::check_clock() const {
  if (const auto now_running = current()) {
    for (const auto& each : now_running->alarms) each.post(ring{});
  }
}

runtime_status engine::status() const {
  runtime_status now;
  if (!stores_.journal) return now;
  const auto head = stores_.journal->head();
  now.head = head ? *head : 0;
  now.commands_in_flight = gate_.inside();
  if (const auto now_running = current()) {
    const auto published = now_running->bus.published();
    now.commits = published.segments;
    now.commit_events = published.events;
    now.commit_times = published.times;
    now.aggregates = now_running->aggregates.counts();
    now.live_aggregates = now_running->aggregates.live();
  }
  for (const auto& each : consumers_->all()) {
    now.consumers.push_back(each->status(now.head, options_.time->now(), steady_now()));
  }
  const std::lock_guard lock{mutex_};
  now.unregistered = unregistered_;
  return now;
}

health_report engine::health() const {
  const auto now_running = current();
  return now_running ? now_running->health.shown() : health_report{};
}

}  // namespace tyto::detail

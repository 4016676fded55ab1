// The runtime: give it storage and a domain, start it, send commands, ask queries. Commands go in here and travel
// through mailboxes to aggregates, the committer, the event bus and the consumers; answers come back from there.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "tyto/aggregate.hpp"
#include "tyto/command.hpp"
#include "tyto/consumer.hpp"
#include "tyto/dead_letter.hpp"
#include "tyto/process_manager.hpp"
#include "tyto/question.hpp"
#include "tyto/result.hpp"
#include "tyto/runtime_options.hpp"
#include "tyto/status.hpp"
#include "tyto/storage.hpp"
#include "tyto/subscription.hpp"

namespace tyto {

namespace detail {
class engine;
struct runtime_access;
}  // namespace detail

/// An embedded runtime of aggregates and consumers over one storage.
///
/// Register everything, start(), use it from any thread, stop(). One runtime writes one journal.
///
/// A handler is a function of the domain, or one that subscribe() was given. Those of aggregates, `decide`, `evolve`
/// and a process manager's `on`, must not block and call nothing of the runtime; `project` and `query` use their table
/// alone. `react`, `on_rejected`, `correlate` and a subscription's handler may block, and call execute() and query(),
/// unless the subscription `never_blocks`. No handler calls what waits for consumers: stop(), settle(), caught_up(),
/// pause(), reset(), cancel_rebuild(), replay_dead_letters() and discard_dead_letter().
class runtime {
 public:
  explicit runtime(storage stores, runtime_options options = {});
  /// Stops the runtime if it still runs. Where std::exit() in a handler destroys it, it is left as it is until the
  /// process has ended: what has been acknowledged is stored.
  ~runtime();
  runtime(const runtime&) = delete;
  runtime& operator=(const runtime&) = delete;

  /// Registers the aggregate A. Before start(), like reaction(), projection() and process_manager(): std::logic_error
  /// after it. What does not fit together is reported by start().
  template <class A>
  runtime& aggregate() {
    return add(definition_of<A>());
  }

  /// Registers a reaction with the dependencies that it was built with. Before start().
  template <class R>
  runtime& reaction(R handler = R{}) {
    return add(define_reaction(std::move(handler)));
  }

  /// Registers the projection P. Before start().
  ///
  /// With `using replaces = other_projection;` P is a new version of that one, which is registered along with it and
  /// answers P's questions until P has caught up; then it stops for good, and is not started the next time. A version
  /// has a name of its own, and answers P's questions with something that P's answer can be made of.
  template <class P>
  runtime& projection() {
    if constexpr (detail::replaces_another<P>) projection<typename P::replaces>();
    return add(define_projection<P>());
  }

  /// The same with the dependencies that it was built with. If it replaces another one that has dependencies too,
  /// register that one before.
  template <class P>
  runtime& projection(P handler) {
    if constexpr (detail::replaces_another<P>) {
      if constexpr (std::default_initializable<typename P::replaces>) projection<typename P::replaces>();
    }
    return add(define_projection(std::move(handler)));
  }

  /// Registers the process manager P: its instances, what takes events to them and sends their commands, and their
  /// deadlines. Before start().
  template <class P>
  runtime& process_manager() {
    return add(define_process_manager<P>());
  }

  /// The same with the dependencies that it was built with.
  template <class P>
  runtime& process_manager(P handler) {
    return add(define_process_manager(std::move(handler)));
  }

  /// Calls `handler(const E&, const metadata&)` for every E that is committed from now on, or from start() on. Any
  /// number of handlers may subscribe to the same event; each has a mailbox and a thread of its own, so it may block,
  /// unless subscription_options::never_blocks is set.
  /// It keeps no checkpoint: what happens while the program is down passes it by. A handler that throws is called
  /// again, for ever, beginning with the first event of the batch. Goes on until it is ended, by what is returned, or
  /// the runtime is; has no effect after stop(), or in a forked child. Throws std::system_error if the runtime runs and
  /// the operating system refuses a thread; then there is no subscription.
  template <event E, class Handler>
  subscription subscribe(Handler handler, subscription_options options = {}) {
    auto definition = define_subscription<E>({}, std::move(handler));
    definition.busy_wait = options.busy_wait;
    definition.never_blocks = options.never_blocks;
    return subscribe(std::move(definition));
  }

  /// The same for a definition that was made before, maybe of several types of events: for those who bring events to
  /// other places. Its name, if it has one, is part of what status() and health() call it.
  subscription subscribe(reaction_definition definition);

  /// Starts the actors. Fails if the domain does not fit together or the storage cannot be read, or with
  /// errc::overloaded if the operating system refuses the threads that it takes: one for each consumer and partition,
  /// the worker_threads, four, and one for a control_socket; or if that cannot be made: errc::locked if somebody else
  /// listens there, errc::invalid_argument if there is something else. Then nothing runs, and it may be called again.
  /// They are tried first, for CAF ends the program or waits for ever where it does not get one; that may still happen
  /// if other programs of the user take them in the same moment.
  result<void> start();

  /// Takes no more commands, answers those in flight, lets every consumer finish what it has in hand and save its
  /// checkpoint, and ends all threads. Consumers that are behind go on there at the next start. Idempotent. Fails with
  /// errc::invalid_argument if a handler calls it.
  result<void> stop();

  /// Sends `command` to the aggregate A named `entity_id` and waits for the answer, which holds the events that were
  /// decided: `done->events<A>()`. decide(), the recovery before it, and the commit may run on this thread; the timeout
  /// does not cut them short. So may handlers of subscriptions that never block, and what submit() was given to call:
  /// hold no lock that these take. Must not be called from a handler of an aggregate.
  template <class A, class Command>
  command_result execute(std::string_view entity_id, Command&& command, command_options options = {}) {
    return execute(send<A>(entity_id, std::forward<Command>(command)), std::move(options));
  }

  /// Sends a command that was made before, by send(), close_stream(), truncate_stream() or delete_stream(), and waits
  /// for the answer. Of the options that both have, those of `options` hold where they say something; tags are added.
  command_result execute(outgoing_command command, command_options options = {});

  /// Sends `command` and returns at once; the future gets the answer.
  template <class A, class Command>
  std::future<command_result> submit(std::string_view entity_id, Command&& command, command_options options = {}) {
    auto answer = std::make_shared<std::promise<command_result>>();
    auto future = answer->get_future();
    submit(send<A>(entity_id, std::forward<Command>(command)), std::move(options),
           [answer](const command_result& outcome) { answer->set_value(outcome); });
    return future;
  }

  /// Sends `command` and returns at once; `done` is called once with the answer, from a thread of the runtime or one
  /// that waits in execute(), or, if the command is not taken, from this one. It must not block.
  template <class A, class Command>
  void submit(std::string_view entity_id, Command&& command, command_options options,
              std::function<void(const command_result&)> done) {
    submit(send<A>(entity_id, std::forward<Command>(command)), std::move(options), std::move(done));
  }

  /// Asks the projection P, on a consistent view of its rows, in the caller's thread.
  template <class P, class Question>
  auto query(const Question& question, query_options options = {}) -> result<detail::answer_of<P, Question>> {
    std::optional<detail::answer_of<P, Question>> answer;
    auto asked = ask(detail::calls_of<P>(question, [&](auto found) { answer.emplace(std::move(found)); }), options);
    if (!asked) return std::move(asked).error();
    return *std::move(answer);
  }

  /// The same for a question in braces, if P answers one type of questions: `rt.query<revenue>({"alice"})`.
  template <class P>
  auto query(const detail::question_of<P>& question, query_options options = {}) {
    if constexpr (detail::check_one_question<P>()) return query<P, detail::question_of<P>>(question, options);
  }

  /// Asks several projections, each of which answers one type of questions, as of one position:
  /// `auto [cents, stock] = rt.query_together<revenue, inventory>({"alice"}, {7}).value();`. Waits for those that are
  /// behind the furthest; errc::timeout says which.
  template <class... P>
  auto query_together(const detail::question_of<P>&... questions, query_options options = {})
      -> result<std::tuple<detail::answer_of<P, detail::question_of<P>>...>> {
    std::tuple<std::optional<detail::answer_of<P, detail::question_of<P>>>...> answers;
    const auto calls = [&]<std::size_t... I>(std::index_sequence<I...>) {
      return std::vector<detail::version_calls>{
          detail::calls_of<P>(questions, [&](auto found) { std::get<I>(answers).emplace(std::move(found)); })...};
    }
    (std::index_sequence_for<P...>{});
    auto asked = ask_together(calls, options);
    if (!asked) return std::move(asked).error();
    using found = std::tuple<detail::answer_of<P, detail::question_of<P>>...>;
    return std::apply([](auto&&... each) { return found{*std::move(each)...}; }, std::move(answers));
  }

  /// Asks the projection P now and again whenever it has moved on, and calls `callback(const Answer&)` with the first
  /// answer and then with each that differs (by ==) from the one before. That happens on a thread of its own, so it may
  /// block; it misses what came and went meanwhile, and never the last answer. A query that fails is logged and tried
  /// again when the projection moves on; a callback that throws is logged. Ends when the runtime stops, after a last
  /// look, or with the live_query. After start(): errc::invalid_argument before it; errc::overloaded if the operating
  /// system refuses a thread.
  template <class P, class Question, class Callback>
  [[nodiscard]] result<live_query> watch(Question question, Callback callback) {
    struct state {
      Question question;
      Callback callback;
      std::optional<detail::answer_of<P, Question>> answer;
      bool is_new = false;
    };
    auto known = std::make_shared<state>(state{std::move(question), std::move(callback), std::nullopt});
    return watch(detail::calls_of<P>(known->question,
                                     [known = known.get()](detail::answer_of<P, Question> found) {
                                       if (known->answer && *known->answer == found) return;
                                       known->answer.emplace(std::move(found));
                                       known->is_new = true;
                                     }),
                 [known] {
                   if (std::exchange(known->is_new, false)) known->callback(std::as_const(*known->answer));
                 });
  }

  /// The same for a question in braces, if P answers one type of questions.
  template <class P, class Callback>
  [[nodiscard]] result<live_query> watch(detail::question_of<P> question, Callback callback) {
    return watch<P, detail::question_of<P>>(std::move(question), std::move(callback));
  }

  /// Stops building P, which replaces another projection: that one goes on answering, and the next start goes on
  /// building. Fails with errc::invalid_argument if P is not being built. Must not be called from a handler.
  template <class P>
  result<void> cancel_rebuild() {
    static_assert(detail::replaces_another<P>,
                  "tyto: a projection that is rebuilt names the old one: `using replaces`");
    return cancel_rebuild(P::name);
  }

  /// Waits until every consumer is done with what is in the journal now: after start(), until the read models are as
  /// they were, and new versions of projections are built. Fails with errc::timeout, which says for each consumer that
  /// is behind how far. Must not be called from a handler.
  result<void> caught_up(std::chrono::milliseconds timeout);

  /// Waits until every command is answered, every consumer is done with every event, and nothing more follows from it.
  /// Fails with errc::timeout, naming a consumer that is behind. Says nothing about commands sent meanwhile. Must not
  /// be called from a handler, whose own consumer can never be done.
  result<void> settle(std::chrono::milliseconds timeout);

  /// Has deadlines looked at now: for tests, whose clock (runtime_options::time) moves when they say so. Otherwise
  /// nobody needs to call it.
  void check_clock() const;

  /// Returns the dead letters of a consumer: events that it could not handle, and those that wait behind them.
  /// errc::invalid_argument if the runtime has not been started with it; tyto::dead_letters() asks the journal alone.
  [[nodiscard]] result<std::vector<dead_letter>> dead_letters(std::string_view consumer) const;

  /// Has a consumer handle dead letters again, in order: those of `key`, or all. They are handled in batches, between
  /// which the consumer takes other events; those that come to wait behind the letters meanwhile are released with
  /// them. Returns how many were handled. A letter whose event was truncated or deleted is given up, and does not
  /// count. If one fails again, those of its key go on waiting, the others are handled, and the error is that of the
  /// first. If the storage fails, or the consumer is paused, halts or stops, the release ends with this error, and what
  /// has been released stays so. A projection's rows get each once, whenever the program ends or power is lost; if some
  /// are in the rows and their release cannot be stored in the journal, the next call or start finishes these first.
  /// What a reaction does besides its commands may be done again, if another letter of the batch fails, or if the
  /// program ends or the journal fails before the release is stored. After a crash it waits until the consumer has
  /// passed the letters again. Must not be called from a handler.
  result<std::size_t> replay_dead_letters(std::string_view consumer, std::optional<std::string> key = std::nullopt);

  /// Gives a dead letter up: the one at `position`, or all parts of this event that are dead letters. Returns how many.
  /// Later ones of its key wait until they are replayed. Must not be called from a handler.
  result<std::size_t> discard_dead_letter(std::string_view consumer, std::uint64_t position);

  /// Has a consumer take nothing more until resume() or the next start(); what it has in hand, it finishes. Returns
  /// when that is done, or errc::timeout, and then it pauses later. Queries are answered from the rows as they are, and
  /// settle() and caught_up() wait for it like for one that is behind. For the three consumers of a process manager see
  /// define_process_manager(). errc::invalid_argument if there is no such consumer. Must not be called from a handler.
  result<void> pause(std::string_view consumer, std::chrono::milliseconds timeout = std::chrono::seconds{10});

  /// Has a paused consumer go on where it was, and one that has halted try again what it failed at.
  result<void> resume(std::string_view consumer);

  /// Has a projection forget its rows and begin anew at the first event, also if it is paused (then it goes on when it
  /// is resumed) or has halted. Until it has caught up, queries see the rows as of where it is: `at_least` waits. Its
  /// dead letters stay what they are. errc::invalid_argument for a reaction, whose commands were sent. Must not be
  /// called from a handler.
  result<void> reset(std::string_view consumer);

  /// Returns how the runtime and its consumers are doing right now.
  [[nodiscard]] runtime_status status() const;

  /// Returns what does not work right now: appending to the journal, storing snapshots, recovering an aggregate, a
  /// consumer that fails, has halted or stands still, dead letters that wait, a deadline that cannot be told,
  /// storage whose files are gone, a reader of any process that keeps 64 MiB of it from being used again.
  /// Everything else goes on.
  [[nodiscard]] health_report health() const;

 private:
  friend struct detail::runtime_access;

  runtime& add(const aggregate_definition& definition);
  runtime& add(reaction_definition definition);
  runtime& add(projection_definition definition);
  runtime& add(process_manager_definition definition);
  void submit(outgoing_command command, command_options options, std::function<void(const command_result&)> done);
  result<void> ask(detail::version_calls calls, query_options options);
  result<void> ask_together(const std::vector<detail::version_calls>& calls, query_options options);
  result<live_query> watch(detail::version_calls calls, std::function<void()> tell);
  result<void> cancel_rebuild(std::string_view projection);

  std::unique_ptr<detail::engine> engine_;
};

}  // namespace tyto

// The runtime: give it storage and a domain, start it, send commands, ask queries. Commands go in here and travel
// through mailboxes to aggregates, the committer, the event bus and the consumers; answers come back from there.
#pragma once

#include <chrono>
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
#include "tyto/clock.hpp"
#include "tyto/command.hpp"
#include "tyto/consumer.hpp"
#include "tyto/dead_letter.hpp"
#include "tyto/process_manager.hpp"
#include "tyto/read_model_store.hpp"
#include "tyto/result.hpp"
#include "tyto/table.hpp"

namespace tyto {

struct runtime_options {
  /// Stamps events. Affects behaviour.
  std::shared_ptr<const clock> time = system_clock();

  /// Called with a line of text when a person should know something, from any thread. The default writes to stderr.
  /// Must not block for long.
  std::function<void(std::string_view line)> log = {};

  /// Commands that callers may have in flight at once. What happens to one more is the caller's choice, see
  /// command_options::when_full. Bounds memory: what waits anywhere on its way to the disk is one of these, or one of
  /// the commands that a reaction has sent for the events it has in hand.
  std::size_t max_commands_in_flight = 65'536;

  /// Commands that one aggregate may have in hand; one more is answered with errc::overloaded. Bounds memory.
  std::size_t max_commands_per_aggregate = 16'384;

  /// How many command ids an aggregate remembers, the latest ones: so long is a repeated command recognised. At least
  /// max_commands_per_aggregate are. Should exceed what one reaction may send to one aggregate for
  /// max_recent_events, so that a repetition after a crash changes nothing. Affects behaviour, and memory.
  std::size_t command_id_window = 65'536;

  /// About how many aggregates stay in memory; beyond it the least recently used ones leave. Bounds memory.
  std::size_t max_live_aggregates = 100'000;

  /// How long an aggregate stays in memory without a command; the next one brings it back by replay. 0: for ever.
  std::chrono::milliseconds passivate_after = std::chrono::minutes{10};

  /// Threads that aggregates share; 0 for one per core. Affects performance.
  std::size_t worker_threads = 0;

  /// The most events that one transaction takes. Affects performance: the latency of a commit under full load.
  std::size_t max_commit_events = 4'096;

  /// The most events that are kept in memory for consumers at the head of the journal; one that falls further behind
  /// reads from the journal. Bounds memory.
  std::size_t max_recent_events = 65'536;

  /// The most events that a consumer takes at once: what it reads into memory and what a projection commits together.
  /// At most 1,000,000.
  std::size_t max_consumer_batch = 1'024;

  /// A consumer that is behind and has not moved for so long is listed by health(), for its handler may hang. 0: never.
  std::chrono::milliseconds stall_after = std::chrono::seconds{30};

  /// How long a failing consumer waits before it tries again: from the first to the second figure, doubling.
  std::chrono::milliseconds min_backoff{10};
  std::chrono::milliseconds max_backoff{5'000};
};

enum class consumer_state : std::uint8_t {
  starting,  // looking up its checkpoint; next: running
  running,   // taking events as they come; next: failing, stopped
  failing,   // the event after its position failed; it will be tried again; next: running, halted, stopped
  halted,    // the event after its position failed too often, and its policy is to stop; next: stopped
  stopped,
};

/// Returns the state's name, for example "running".
std::string_view name(consumer_state state);

/// How one consumer is doing.
struct consumer_status {
  std::string name;
  consumer_state state = consumer_state::starting;
  std::uint64_t position = 0;  // it is done with the events up to here
  std::uint64_t lag = 0;       // events behind the head of the journal
  /// While it is behind: how old the last event is that it is done with. Else 0.
  std::chrono::microseconds lag_time{0};
  double events_per_second = 0;  // of the journal that it passes, over the last five to ten seconds
  std::uint64_t failures = 0;    // how often a handler, a command or a commit failed
  std::uint64_t parked = 0;      // its dead letters
  std::string last_error;        // of those, the last; empty if none
};

struct runtime_status {
  std::uint64_t head = 0;     // the position of the last durable event
  std::uint64_t commits = 0;  // transactions with events since start()
  std::size_t live_aggregates = 0;
  std::size_t commands_in_flight = 0;  // from callers, not from reactions
  std::vector<consumer_status> consumers;
};

/// Something that does not work at the moment and is tried again, or waits for someone.
struct health_problem {
  std::string subject;  // "journal", "snapshots", "consumer 'billing'", "dead letters of 'billing'", "stall of
                        // 'billing'", "deadline 'payment' of checkout|7", or an aggregate's persistence id
  error why;            // the last failure
  timestamp since;
  std::uint64_t times = 1;
};

/// What does not work at the moment. What works again is no longer listed.
struct health_report {
  std::vector<health_problem> problems;
  std::uint64_t unlisted = 0;  // failures of others than the first 1,000 subjects

  [[nodiscard]] bool is_healthy() const { return problems.empty() && unlisted == 0; }
};

namespace detail {
class engine;
class caf_bridge;  // see caf.hpp

template <class F>
struct query_parameter;  // the question that a projection's query takes
template <class R, class T, class Q>
struct query_parameter<R (*)(const T&, const Q&)> : std::type_identity<Q> {};

template <class P>
concept answers_one_question = requires {
  typename query_parameter<decltype(&P::query)>::type;
};
/// What braces become where they may be one of several questions.
struct some_question {
  template <class... Parts>
  some_question(const Parts&...) {}
};
template <class P>
struct question : std::type_identity<some_question> {};
template <answers_one_question P>
struct question<P> : query_parameter<decltype(&P::query)> {};
template <class P>
using question_of = typename question<P>::type;
template <class P, class Question>
using answer_of = decltype(P::query(std::declval<const typename P::table&>(), std::declval<const Question&>()));

using query_call = std::function<void(const row_reader&)>;

/// How to ask one version of a projection.
struct version_call {
  std::string_view name;
  query_call call;
};
using version_calls = std::vector<version_call>;  // the newest version first

/// Returns how to ask P, or what it replaces: each calls `take(answer)`. `question` must outlive them.
template <class P, class Question, class Take>
version_calls calls_of(const Question& question, Take take) {
  version_calls calls;
  if constexpr (replaces_another<P>) calls = calls_of<typename P::replaces>(question, take);
  calls.insert(calls.begin(), {P::name, [&question, take](const row_reader& rows) {
                                 const typename P::table table{rows};
                                 take(P::query(table, question));
                               }});
  return calls;
}

class watcher;
}  // namespace detail

/// A question that is asked again and again, see runtime::watch(). Destroying it, or assigning to it, ends that: the
/// callback is not called any more, and a call that is under way has returned, unless it is the one that does this. May
/// outlive the runtime.
class live_query {
 public:
  live_query();
  explicit live_query(std::unique_ptr<detail::watcher> asks);
  live_query(live_query&& other) noexcept;
  live_query& operator=(live_query&& other) noexcept;
  ~live_query();

 private:
  std::unique_ptr<detail::watcher> asks_;
};

/// An embedded runtime of aggregates and consumers over one storage.
///
/// Register everything, start(), use it from any thread, stop(). One runtime writes one journal.
class runtime {
 public:
  explicit runtime(storage stores, runtime_options options = {});
  /// Stops the runtime if it still runs.
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

  /// Registers the process manager P: its instances, what takes events to them and sends their commands, and their
  /// deadlines. Before start().
  template <class P>
  runtime& process_manager() {
    return add(define_process_manager<P>());
  }

  /// Calls `handler(const E&, const metadata&)` for every E that is committed from now on, or from start() on. Any
  /// number of handlers may subscribe to the same event; each has a mailbox and a thread of its own, so it may block.
  /// It keeps no checkpoint: what happens while the program is down passes it by. A handler that throws is called
  /// again, for ever, beginning with the first event of the batch. Has no effect after stop(). For `busy_wait` see
  /// consumer_definition.
  template <event E, class Handler>
  runtime& subscribe(Handler handler, std::chrono::microseconds busy_wait = {}) {
    auto definition = define_subscription<E>({}, std::move(handler));
    definition.busy_wait = busy_wait;
    return subscribe(std::move(definition));
  }

  /// Starts the actors. Fails if the domain does not fit together or the storage cannot be read.
  result<void> start();

  /// Takes no more commands, answers those in flight, lets every consumer finish what it has in hand and save its
  /// checkpoint, and ends all threads. Consumers that are behind go on there at the next start. Idempotent. Must not be
  /// called from a handler.
  result<void> stop();

  /// Sends `command` to the aggregate A named `entity_id` and waits for the answer. decide(), and the recovery before
  /// it, may run on this thread; the timeout does not cut them short. Must not be called from a handler of an
  /// aggregate.
  template <class A, class Command>
  command_result execute(std::string_view entity_id, Command&& command, command_options options = {}) {
    return execute(send<A>(entity_id, std::forward<Command>(command)), std::move(options));
  }

  /// Sends a command that was made before, by send(), close_stream(), truncate_stream() or delete_stream(), and waits
  /// for the answer.
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

  /// Sends `command` and returns at once; `done` is called once with the answer, from a thread of the runtime or, if
  /// the command is not taken, from this one. It must not block.
  template <class A, class Command>
  void submit(std::string_view entity_id, Command&& command, command_options options,
              std::function<void(const command_result&)> done) {
    submit(send<A>(entity_id, std::forward<Command>(command)), std::move(options), std::move(done));
  }

  /// Asks the projection P, on a consistent view of its rows, in the caller's thread. Waits first until the projection
  /// is done with the event at `at_least`; errc::timeout says how far behind it is.
  template <class P, class Question>
  auto query(const Question& question, std::uint64_t at_least = 0,
             std::chrono::milliseconds timeout = std::chrono::seconds{10}) -> result<detail::answer_of<P, Question>> {
    std::optional<detail::answer_of<P, Question>> answer;
    auto asked =
        ask(detail::calls_of<P>(question, [&](auto found) { answer.emplace(std::move(found)); }), at_least, timeout);
    if (!asked) return std::move(asked).error();
    return *std::move(answer);
  }

  /// The same for a question in braces, if P answers one type of questions: `rt.query<revenue>({"alice"})`.
  template <class P>
  auto query(const detail::question_of<P>& question, std::uint64_t at_least = 0,
             std::chrono::milliseconds timeout = std::chrono::seconds{10}) {
    constexpr bool is_one = detail::answers_one_question<P>;
    static_assert(is_one,
                  "tyto: the projection answers several types of questions, or has another form of query than `static "
                  "Answer query(const table&, const YourQuestion&)`; name the question's type: "
                  "`rt.query<your_projection>(your_question{...})`");
    if constexpr (is_one) return query<P, detail::question_of<P>>(question, at_least, timeout);
  }

  /// Asks several projections, each of which answers one type of questions, as of one position, `at_least` or later:
  /// `auto [cents, stock] = rt.query_together<revenue, inventory>({"alice"}, {7}).value();`. Waits for those that are
  /// behind the furthest; errc::timeout says which.
  template <class... P>
  auto query_together(const detail::question_of<P>&... questions, std::uint64_t at_least = 0,
                      std::chrono::milliseconds timeout = std::chrono::seconds{10})
      -> result<std::tuple<detail::answer_of<P, detail::question_of<P>>...>> {
    std::tuple<std::optional<detail::answer_of<P, detail::question_of<P>>>...> answers;
    const auto calls = [&]<std::size_t... I>(std::index_sequence<I...>) {
      return std::vector{
          detail::calls_of<P>(questions, [&](auto found) { std::get<I>(answers).emplace(std::move(found)); })...};
    }
    (std::index_sequence_for<P...>{});
    auto asked = ask_together(calls, at_least, timeout);
    if (!asked) return std::move(asked).error();
    return std::apply([](auto&&... each) { return std::tuple{*std::move(each)...}; }, std::move(answers));
  }

  /// Asks the projection P now and again whenever it has moved on, and calls `callback(const Answer&)` with the first
  /// answer and then with each that differs (by ==) from the one before. That happens on a thread of its own, so it may
  /// block; it misses what came and went meanwhile, and never the last answer. A query that fails is logged and tried
  /// again when the projection moves on; a callback that throws is logged. Ends when the runtime stops, after a last
  /// look, or with the live_query. After start(): errc::invalid_argument before it.
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
  /// building. Fails with errc::invalid_argument if P is not being built.
  template <class P>
  result<void> cancel_rebuild() {
    static_assert(detail::replaces_another<P>,
                  "tyto: a projection that is rebuilt names the old one: `using replaces`");
    return cancel_rebuild(P::name);
  }

  /// Waits until every consumer is done with what is in the journal now: after start(), until the read models are as
  /// they were, and new versions of projections are built. Fails with errc::timeout, which says for each consumer that
  /// is behind how far.
  result<void> caught_up(std::chrono::milliseconds timeout);

  /// Waits until every command is answered, every consumer is done with every event, and nothing more follows from it.
  /// Fails with errc::timeout, naming a consumer that is behind. Says nothing about commands sent meanwhile.
  result<void> settle(std::chrono::milliseconds timeout);

  /// Has deadlines looked at now: for tests, whose clock (runtime_options::time) moves when they say so. Otherwise
  /// nobody needs to call it.
  void check_clock() const;

  /// Returns the dead letters of a consumer: events that it could not handle, and those that wait behind them.
  /// errc::invalid_argument if the runtime has not been started with it; tyto::dead_letters() asks the journal alone.
  [[nodiscard]] result<std::vector<dead_letter>> dead_letters(std::string_view consumer) const;

  /// Has a consumer handle dead letters again, in order: those of `key`, or all. Returns how many are none any more. If
  /// one fails again, those of its key go on waiting, the others are handled, and the error is that of the first. A
  /// projection's rows get each once, whenever the program ends or power is lost; if one is in the rows and its release
  /// cannot be stored in the journal, the rest waits, and the next call or start finishes that one first. What a
  /// reaction does besides its commands is done again if the program ends, or the journal fails, before the release is
  /// stored. After a crash it waits until the consumer has passed the letters again. Must not be called from a handler.
  result<std::size_t> replay_dead_letters(std::string_view consumer, std::optional<std::string> key = std::nullopt);

  /// Gives a dead letter up: the one at `position`. Later ones of its key wait until they are replayed.
  result<std::size_t> discard_dead_letter(std::string_view consumer, std::uint64_t position);

  /// Returns how the runtime and its consumers are doing right now.
  [[nodiscard]] runtime_status status() const;

  /// Returns what does not work right now: appending to the journal, storing snapshots, recovering an aggregate, a
  /// consumer that fails, has halted or stands still, dead letters that wait, a deadline that cannot be told.
  /// Everything else goes on.
  [[nodiscard]] health_report health() const;

 private:
  friend class detail::caf_bridge;

  runtime& add(const aggregate_definition& definition);
  runtime& add(reaction_definition definition);
  runtime& add(projection_definition definition);
  runtime& add(process_manager_definition definition);
  runtime& subscribe(reaction_definition definition);
  void submit(outgoing_command command, command_options options, std::function<void(const command_result&)> done);
  result<void> ask(detail::version_calls calls, std::uint64_t at_least, std::chrono::milliseconds timeout);
  result<void> ask_together(const std::vector<detail::version_calls>& calls, std::uint64_t at_least,
                            std::chrono::milliseconds timeout);
  result<live_query> watch(detail::version_calls calls, std::function<void()> tell);
  result<void> cancel_rebuild(std::string_view projection);

  std::unique_ptr<detail::engine> engine_;
};

}  // namespace tyto

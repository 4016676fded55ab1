// The bridge from consumers as their authors write them (reactions, projections, plain handlers) to ones that the
// runtime can drive without knowing their types.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "tyto/aggregate.hpp"
#include "tyto/command.hpp"
#include "tyto/dead_letter.hpp"
#include "tyto/detail/consumer_checks.hpp"
#include "tyto/event.hpp"
#include "tyto/event_filter.hpp"
#include "tyto/table.hpp"

namespace tyto {

/// By the stored name of the event.
template <class Signature>
using event_handlers = std::map<std::string, std::function<Signature>, std::less<>>;

/// What the runtime knows of every consumer.
struct consumer_definition {
  std::string name;
  /// The streams whose events it handles, all if there are none: `static constexpr std::string_view categories[] =
  /// {"order"}` in the consumer. Events of others, and of types that it has no handler for, are not decoded for it.
  std::vector<std::string> categories = {};
  failure_policy failures = {};
  /// What events have in common that must be handled in order: those of one key wait for each other when one fails.
  /// `static std::string key(const your_event&, const tyto::metadata&)` in the consumer; else the event's stream, as
  /// for an event whose key cannot be told: then there is none.
  event_handlers<std::optional<std::string>(const recorded_event&)> keys = {};
  /// How many share the work, each on a thread of its own with a checkpoint of its own: `static constexpr std::size_t
  /// partitions = 4` in a reaction. Events of one key go to the same one, in order. Their number may change from one
  /// start to the next: nothing is skipped, and what was done is not repeated, unless it changes twice before all have
  /// got to where the furthest was; then commands have no effect the second time, and other effects are repeated. Keys
  /// must stay what they are as long.
  ///
  /// In a projection they share each batch of events and have one checkpoint, so that rows are always as of one
  /// position; this is for a projection that computes much, or is rebuilt. If events of different keys touch the same
  /// row, that batch is handled once more by one thread: the rows are right, but nothing is gained.
  std::size_t partitions = 1;
  /// How long it looks for the next event before it goes to sleep, at the head of the journal:
  /// `static constexpr std::chrono::microseconds busy_wait{500}`. An event that comes in this time is handled some 20
  /// us earlier, for no thread has to wake up; but a processor core is kept busy, so leave one for each such consumer.
  /// It stops, and releases dead letters, later by as long. More than a second counts as one.
  std::chrono::microseconds busy_wait{0};
  /// Whether it has no thread of its own, for its handlers never block: see subscription_options::never_blocks.
  bool never_blocks = false;
};

/// Where a reaction begins whose name the journal does not know yet.
enum class start_from : std::uint8_t {
  beginning,  // at the first event: it reacts to the whole past
  end,        // at the end of the journal as it is when the reaction is started for the first time
};

/// A command of a reaction or process manager that has no effect: its aggregate rejected it, or was not at the version
/// that send_options::expected names.
struct refused_command {
  std::string persistence_id;  // the aggregate's
  std::string command_id;
  rejection why;
};

/// A reaction: for each type of events, what to do with one. A handler's exceptions are caught by the runtime.
struct reaction_definition : consumer_definition {
  /// `static constexpr auto from = tyto::start_from::end` in the reaction. Has no effect once it has a checkpoint. A
  /// reaction that is given another name is a new one, whose commands have new ids.
  start_from from = start_from::beginning;
  event_handlers<result<commands>(const recorded_event&)> handlers = {};
  /// What follows when a command that followed from the event described by the metadata was refused; empty: it is only
  /// counted. `tyto::commands on_rejected(const tyto::refused_command&, const tyto::metadata&)` in the reaction, or one
  /// that returns nothing. Its commands take effect once, as those of `react` do: where there is an on_rejected, the
  /// rejections of the reaction's commands are recorded (command_options::record_rejection); a refused version is not,
  /// so that what follows from one may come beside the command's own effect if the program ends in between. If one of
  /// its own commands is refused, that is only counted.
  std::function<result<commands>(const refused_command&, const metadata&)> on_rejected = {};
};

/// A projection: for each type of events, how one changes the rows. A handler's exceptions are caught by the runtime.
struct projection_definition : consumer_definition {
  event_handlers<result<void>(const recorded_event&, row_buffer&)> handlers = {};
  std::string replaces = {};  // the projection that answers until this one has caught up; empty: none
  table_shape shape = {};     // of its table; may be empty
};

/// Returns which events the consumer that `definition` describes handles.
template <class Definition>
event_filter handled_by(const Definition& definition) {
  event_filter wanted{{}, definition.categories};
  for (const auto& [type, handler] : definition.handlers) wanted.types.push_back(type);
  return wanted;
}

namespace detail {

/// Returns `given`; throws std::invalid_argument if it contradicts itself.
failure_policy checked_policy(const failure_policy& given, std::string_view consumer);

template <class C, class E>
void add_key_of(consumer_definition& made) {
  if constexpr (has_key_of<C, E>) {
    made.keys.emplace(stored_name<E>, [](const recorded_event& recorded) -> std::optional<std::string> {
      const auto event = event_cast<E>(recorded);
      return event ? std::optional<std::string>{C::key(**event, recorded.meta)} : std::nullopt;
    });
  }
}

/// Fills in what the consumer C says of itself besides its handlers.
template <class C, class List>
void describe_consumer(consumer_definition& made) {
  made.name = C::name;
  if constexpr (gives_categories<C>) {
    made.categories.assign(std::begin(C::categories), std::end(C::categories));
  }
  if constexpr (gives_partitions<C>) made.partitions = C::partitions;
  if constexpr (gives_failures<C>) made.failures = checked_policy(C::failures, C::name);
  if constexpr (gives_busy_wait<C>) made.busy_wait = C::busy_wait;
  event_list<List>::for_each([&made]<class E>(std::type_identity<E>) { add_key_of<C, E>(made); });
}

/// In a catch clause: returns what was thrown as an error.
error caught_failure(std::string doing);
/// The same, for what the consumer's handler of `event` threw.
error failed_consumer(std::string_view consumer, const metadata& event);
/// Changes `rows` as the projection's handler of `event` says, which it has.
result<void> project(const projection_definition& definition, const recorded_event& event, row_buffer& rows);

template <class E, class Handler>
result<commands> call_reaction(Handler& handle, const recorded_event& recorded) {
  auto event = event_cast<E>(recorded);
  if (!event) return std::move(event).error();
  using answer = decltype(handle(**event, recorded.meta));
  if constexpr (std::same_as<answer, commands>) {
    return handle(**event, recorded.meta);
  } else {
    handle(**event, recorded.meta);
    return commands{};
  }
}

}  // namespace detail

/// Returns the definition of the reaction R, which `reaction` is; shared with the definition's copies. Fails to
/// compile, saying why, if R is incomplete or has a member that would be passed over. R has
///   `static constexpr std::string_view name`, its checkpoint's key;
///   `react(const YourEvent&, const tyto::metadata&)`, which returns tyto::commands or nothing; one with several lists
///   their events: `using events = tyto::events<…>`;
///   and what else it says of itself, see consumer_definition, failure_policy and start_from.
/// `react` runs on the reaction's own thread, so it may block. Its commands have their effect exactly once, everything
/// else that it does at least once: see metadata::idempotency_key(). With partitions several threads call it.
template <class R>
reaction_definition define_reaction(R reaction) {
  reaction_definition made{};
  using list = decltype(detail::events_of_reaction<R>());
  if constexpr (detail::check_reaction<R, list>()) {
    detail::describe_consumer<R, list>(made);
    if constexpr (detail::gives_from<R>) made.from = R::from;
    auto self = std::make_shared<R>(std::move(reaction));
    if constexpr (detail::gives_on_rejected<R>) {
      made.on_rejected = [self](const refused_command& refused, const metadata& meta) -> result<commands> {
        if constexpr (std::is_void_v<decltype(self->on_rejected(refused, meta))>) {
          self->on_rejected(refused, meta);
          return commands{};
        } else {
          return self->on_rejected(refused, meta);
        }
      };
    }
    detail::event_list<list>::for_each([&]<class E>(std::type_identity<E>) {
      made.handlers.emplace(stored_name<E>, [self](const recorded_event& recorded) {
        auto handle = [&self](const E& event, const metadata& meta) { return self->react(event, meta); };
        return detail::call_reaction<E>(handle, recorded);
      });
    });
  }
  return made;
}

/// Returns a reaction that calls `handler(const E&, const metadata&)` and sends no commands.
template <event E, class Handler>
reaction_definition define_subscription(std::string name, Handler handler) {
  reaction_definition made{};
  made.name = std::move(name);
  constexpr bool callable = std::invocable<Handler&, const E&, const metadata&>;
  static_assert(callable, "tyto: a subscription's handler is called with `(const YourEvent&, const tyto::metadata&)`");
  if constexpr (callable) {
    made.handlers.emplace(stored_name<E>, [handler = std::move(handler)](const recorded_event& recorded) mutable {
      return detail::call_reaction<E>(handler, recorded);
    });
  }
  return made;
}

/// Returns the definition of the projection P, which `projection` is; shared with the definition's copies. Fails to
/// compile, saying why, if P is incomplete or has a member that would be passed over. P has
///   `static constexpr std::string_view name`, under which its rows and its checkpoint are kept;
///   `using table = tyto::table<Key, Row, …>`;
///   `project(table&, const YourEvent&, const tyto::metadata&)`, static or a const member; one with several lists their
///   events: `using events = tyto::events<…>`;
///   `static … query(const table&, const YourQuestion&)`, one for each type of questions;
///   and what else it says of itself, see consumer_definition and failure_policy.
/// `project` runs on the projection's own thread; with partitions several threads call it. It is called again for the
/// same events when rows are built anew, so it changes the table alone, and uses of P's dependencies only what always
/// answers the same. `query` and `key` are static, for they depend on their arguments alone.
template <class P>
projection_definition define_projection(P projection) {
  projection_definition made{};
  using list = decltype(detail::events_of_projection<P>());
  if constexpr (detail::check_projection<P, list>()) {
    detail::describe_consumer<P, list>(made);
    if constexpr (detail::replaces_another<P>) made.replaces = P::replaces::name;
    if constexpr (requires { P::table::shape(); }) made.shape = P::table::shape();
    auto self = std::make_shared<const P>(std::move(projection));
    detail::event_list<list>::for_each([&]<class E>(std::type_identity<E>) {
      made.handlers.emplace(stored_name<E>, [self](const recorded_event& recorded, row_buffer& rows) -> result<void> {
        auto event = event_cast<E>(recorded);
        if (!event) return std::move(event).error();
        typename P::table table{rows};
        self->project(table, **event, recorded.meta);
        return {};
      });
    });
  }
  return made;
}

/// The same for a projection without dependencies.
template <class P>
projection_definition define_projection() {
  constexpr bool constructible = std::default_initializable<P>;
  static_assert(constructible,
                "tyto: the projection has dependencies; hand it over: `projection(your_projection{...})`");
  if constexpr (constructible) {
    return define_projection(P{});
  } else {
    return {};
  }
}

}  // namespace tyto

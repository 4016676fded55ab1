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
  /// `static std::string key(const your_event&, const tyto::metadata&)` in the consumer; else the event's stream.
  event_handlers<std::string(const recorded_event&)> keys = {};
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
  /// rejections of the reaction's commands are recorded (command_options::record_rejection). If one of its own commands
  /// is refused, that is only counted.
  std::function<result<commands>(const refused_command&, const metadata&)> on_rejected = {};
};

/// A projection: for each type of events, how one changes the rows. A handler's exceptions are caught by the runtime.
struct projection_definition : consumer_definition {
  event_handlers<result<void>(const recorded_event&, row_buffer&)> handlers = {};
  std::string replaces = {};  // the projection that answers until this one has caught up; empty: none
};

/// Returns which events the consumer that `definition` describes handles.
template <class Definition>
event_filter handled_by(const Definition& definition) {
  event_filter wanted{{}, definition.categories};
  for (const auto& [type, handler] : definition.handlers) wanted.types.push_back(type);
  return wanted;
}

namespace detail {

template <class T>
struct event_parameter;  // the event that a handler takes, for handlers of (const E&, const metadata&)
template <class R, class E>
struct event_parameter<R (*)(const E&, const metadata&)> : std::type_identity<E> {};
template <class R, class C, class E>
struct event_parameter<R (C::*)(const E&, const metadata&)> : std::type_identity<E> {};
template <class R, class C, class E>
struct event_parameter<R (C::*)(const E&, const metadata&) const> : std::type_identity<E> {};
template <class R, class T, class E>
struct event_parameter<R (*)(T&, const E&, const metadata&)> : std::type_identity<E> {};

template <class C>
concept lists_events = requires {
  typename C::events;
};
template <class C>
concept has_one_react = requires {
  typename event_parameter<decltype(&C::react)>::type;
};
template <class C>
concept has_one_project = requires {
  typename event_parameter<decltype(&C::project)>::type;
};
template <class C>
concept named_consumer = requires {
  { C::name } -> std::convertible_to<std::string_view>;
};

template <class P>
concept replaces_another = requires {
  typename P::replaces;
};

template <class C>
constexpr auto events_of_reaction() {
  if constexpr (lists_events<C>) {
    return typename C::events{};
  } else {
    static_assert(has_one_react<C>,
                  "tyto: a reaction has `react(const YourEvent&, const tyto::metadata&)`; one with several lists their "
                  "events: `using events = tyto::events<first, second>`");
    if constexpr (has_one_react<C>) {
      return events<typename event_parameter<decltype(&C::react)>::type>{};
    } else {
      return events<>{};
    }
  }
}

template <class C>
constexpr auto events_of_projection() {
  if constexpr (lists_events<C>) {
    return typename C::events{};
  } else {
    static_assert(has_one_project<C>,
                  "tyto: a projection has `static void project(table&, const YourEvent&, const tyto::metadata&)`; one "
                  "with several lists their events: `using events = tyto::events<first, second>`");
    if constexpr (has_one_project<C>) {
      return events<typename event_parameter<decltype(&C::project)>::type>{};
    } else {
      return events<>{};
    }
  }
}

/// Says at compile time what is missing from the consumer C of the events `List`; returns whether nothing is.
template <class C, class List>
constexpr bool check_consumer() {
  constexpr bool has_name = named_consumer<C>;
  static_assert(has_name, "tyto: a consumer has `static constexpr std::string_view name`, its checkpoint's key");
  static_assert(event_list<List>::size > 0, "tyto: the consumer's list of events is empty");
  constexpr bool all_named = event_list<List>::all_named;
  static_assert(all_named,
                "tyto: an event of the consumer has no stored name; write `TYTO_EVENT(type, \"name\", field, ...)`");
  if constexpr (all_named) {
    constexpr bool names_differ = event_list<List>::names_differ();
    static_assert(names_differ, "tyto: two events of the consumer have the same stored name");
    return has_name && names_differ;
  } else {
    return false;
  }
}

template <class C, class E>
concept has_key_of = requires(const E& event, const metadata& meta) {
  { C::key(event, meta) } -> std::convertible_to<std::string>;
};

template <class C, class E>
void add_key_of(consumer_definition& made) {
  if constexpr (has_key_of<C, E>) {
    made.keys.emplace(stored_name<E>, [](const recorded_event& recorded) -> std::string {
      const auto event = event_cast<E>(recorded);
      return event ? std::string{C::key(**event, recorded.meta)} : recorded.meta.persistence_id;
    });
  }
}

/// Fills in what the consumer C says of itself besides its handlers.
template <class C, class List>
void describe_consumer(consumer_definition& made) {
  made.name = C::name;
  if constexpr (requires { std::begin(C::categories); }) {
    made.categories.assign(std::begin(C::categories), std::end(C::categories));
  }
  if constexpr (requires {
                  { C::partitions } -> std::convertible_to<std::size_t>;
                })
    made.partitions = C::partitions;
  if constexpr (requires {
                  { C::failures } -> std::convertible_to<failure_policy>;
                })
    made.failures = C::failures;
  if constexpr (requires {
                  { C::busy_wait } -> std::convertible_to<std::chrono::microseconds>;
                })
    made.busy_wait = C::busy_wait;
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
    static_assert(std::is_void_v<answer>, "tyto: react returns tyto::commands, or nothing if it sends none");
    handle(**event, recorded.meta);
    return commands{};
  }
}

}  // namespace detail

/// Returns the definition of the reaction R, which `reaction` is; shared with the definition's copies.
template <class R>
reaction_definition define_reaction(R reaction) {
  reaction_definition made{};
  using list = decltype(detail::events_of_reaction<R>());
  if constexpr (detail::check_consumer<R, list>()) {
    detail::describe_consumer<R, list>(made);
    if constexpr (requires {
                    { R::from } -> std::convertible_to<start_from>;
                  })
      made.from = R::from;
    auto self = std::make_shared<R>(std::move(reaction));
    if constexpr (requires(const refused_command& refused, const metadata& meta) {
                    self->on_rejected(refused, meta);
                  }) {
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
      constexpr bool reacts = requires(const E& event, const metadata& meta) { self->react(event, meta); };
      static_assert(reacts, "tyto: an event in the reaction's list of events has no react");
      if constexpr (reacts) {
        made.handlers.emplace(stored_name<E>, [self](const recorded_event& recorded) {
          auto handle = [&self](const E& event, const metadata& meta) { return self->react(event, meta); };
          return detail::call_reaction<E>(handle, recorded);
        });
      }
    });
  }
  return made;
}

/// Returns a reaction that calls `handler(const E&, const metadata&)` and sends no commands.
template <event E, class Handler>
reaction_definition define_subscription(std::string name, Handler handler) {
  reaction_definition made{};
  made.name = std::move(name);
  made.handlers.emplace(stored_name<E>, [handler = std::move(handler)](const recorded_event& recorded) mutable {
    return detail::call_reaction<E>(handler, recorded);
  });
  return made;
}

/// Returns the definition of the projection P.
template <class P>
projection_definition define_projection() {
  projection_definition made{};
  using list = decltype(detail::events_of_projection<P>());
  if constexpr (detail::check_consumer<P, list>()) {
    detail::describe_consumer<P, list>(made);
    if constexpr (detail::replaces_another<P>) made.replaces = P::replaces::name;
    detail::event_list<list>::for_each([&]<class E>(std::type_identity<E>) {
      constexpr bool projects = requires(typename P::table & table, const E& event, const metadata& meta) {
        P::project(table, event, meta);
      };
      static_assert(projects, "tyto: an event in the projection's list of events has no project");
      if constexpr (projects) {
        made.handlers.emplace(stored_name<E>, [](const recorded_event& recorded, row_buffer& rows) -> result<void> {
          auto event = event_cast<E>(recorded);
          if (!event) return std::move(event).error();
          typename P::table table{rows};
          P::project(table, **event, recorded.meta);
          return {};
        });
      }
    });
  }
  return made;
}

}  // namespace tyto

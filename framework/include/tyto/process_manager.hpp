// Process managers: what goes on between aggregates and takes time. One instance for each correlation key, with state
// of its own that is made of events, commands that follow from these events, and deadlines.
//
// A process manager is an aggregate between two reactions. The first one takes the events of others to the instance
// they are for; the instance decides events of its own, in a stream `name|key`; the second one sends the commands that
// follow from those. So everything that holds for aggregates and reactions holds for it: atomic decisions, commands
// whose effect is exactly once, parking, replay. Deadlines are derived from the instance's events too: a projection
// lists them, and what is due comes back to the instance as a command.
#pragma once

#include <concepts>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "tyto/aggregate.hpp"
#include "tyto/consumer.hpp"
#include "tyto/detail/process_checks.hpp"

namespace tyto {

/// Which instance an event is for, if any.
struct correlation {
  std::string key;      // empty: none
  bool starts = false;  // an instance that does not exist begins with it; else only one that does gets it
};
/// The event is for the instance `key`, which begins with it if there is none.
inline correlation starts(std::string_view key) { return {std::string{key}, true}; }
/// The event is for the instance `key` if there is one.
inline correlation continues(std::string_view key) { return {std::string{key}, false}; }
/// The event is for none.
inline correlation ignored() { return {}; }

/// A durable timer of an instance has run out.
struct deadline {
  std::string name;
  timestamp due;
};

/// Recorded in the instance's stream when a deadline has run out, before what the instance decides about it.
struct deadline_reached {
  std::string name;
  timestamp due;
};
TYTO_EVENT(deadline_reached, "tyto.deadline_reached", name, due)

/// Recorded in the instance's stream when deadlines will not run out any more: those that are left when the instance
/// ends, and one that the instance has rejected.
struct deadlines_dropped {
  std::vector<std::string> names;
};
TYTO_EVENT(deadlines_dropped, "tyto.deadlines_dropped", names)

/// Sets the deadline `name` of an instance, or moves it. It survives restarts. When it is told, the instance has had
/// all its inputs that were in the journal then: one that is overdue after a restart waits until the process manager
/// has caught up. The name and that of the process manager take up to 254 bytes together, the name and the instance's
/// key up to some 490; a longer one fails like a handler that throws.
struct set_deadline {
  std::string name;
  timestamp due;
};
/// Cancels the deadline `name`.
struct cancel_deadline {
  std::string name;
};

/// What follows from an event of an instance: commands, and deadlines to be set and cancelled.
using step = std::variant<outgoing_command, set_deadline, cancel_deadline>;
using steps = std::vector<step>;

namespace detail {

template <class Variant, class... More>
struct variant_with;
template <class... Types, class... More>
struct variant_with<std::variant<Types...>, More...> : std::type_identity<std::variant<Types..., More...>> {};

/// An input on its way to an instance.
template <class E>
struct delivered {
  E event;
  metadata meta;
  bool starts;
};

/// To an instance: it has rejected this deadline, which is not to be told again.
struct drop_deadline {
  std::string name;
  timestamp due;
};

template <class List>
struct process_commands;
template <class... Es>
struct process_commands<events<Es...>>
    : std::type_identity<std::variant<delivered<Es>..., deadline, drop_deadline, refused_command>> {};

/// What follows from `event` of the instance `key`.
template <class P, class E>
steps steps_of(const E& event, const std::string& key) {
  if constexpr (gives_then<P, E>) {
    return P::then(event, key);
  } else {
    return {};
  }
}

/// The P of instances that were not told of another one, if there can be one: it has no dependencies.
template <class P>
std::shared_ptr<const P> default_handler() {
  if constexpr (std::default_initializable<P>) {
    static const auto handler = std::make_shared<const P>();
    return handler;
  } else {
    return nullptr;
  }
}

/// Throws std::invalid_argument if a deadline in `follows`, of the process manager's instance `key`, has a name that is
/// too long, or nobody `hears` of it when it runs out.
void check_deadlines(const steps& follows, std::string_view process_manager, const std::string& key, bool hears);

/// What P says of snapshots and summaries, said of its instances.
template <class P>
struct process_snapshots {};
template <class P>
requires has_snapshots<P>
struct process_snapshots<P> {
  static constexpr snapshot_policy snapshots = P::snapshots;
};
template <class P>
struct process_snapshot_after {};
template <class P>
requires has_snapshot_after<P>
struct process_snapshot_after<P> {
  template <class State, class E>
  static bool snapshot_after(const State& s, const E& event) requires gives_snapshot_after<P, E> {
    return P::snapshot_after(s.own, event);
  }
};
template <class P>
struct process_upcast_state {};
template <class P>
requires has_upcast_state<P>
struct process_upcast_state<P> {
  static void upcast_state(document& image, std::uint32_t version) requires upcasts_state<P> {
    auto own = image.get<document>("own");
    if (!own) return;  // decoding says what is wrong
    P::upcast_state(*own, version);
    image.set("own", *own);
  }
};
template <class P>
struct process_summaries {};
template <class P>
requires has_summaries<P>
struct process_summaries<P> {
  using summaries = typename P::summaries;
};

/// The process manager P as an aggregate. Its name is P's, its stream has P's events and what became of deadlines. The
/// initial state of an instance says which P handles its inputs, and what its key is.
template <class P>
struct process : process_snapshots<P>, process_snapshot_after<P>, process_upcast_state<P>, process_summaries<P> {
  static constexpr std::string_view category = P::name;
  using command = typename process_commands<typename P::inputs>::type;
  using event = typename variant_with<typename P::event, deadline_reached, deadlines_dropped>::type;
  struct state {
    typename P::state own{};
    bool exists = false;
    std::map<std::string, timestamp> deadlines;
    std::string key;
    std::shared_ptr<const P> handler = default_handler<P>();

    // Only what events have changed is part of an image.
    template <class Inspector>
    friend bool inspect(Inspector& f, state& x) {
      return f.object(x).fields(f.field("own", x.own), f.field("exists", x.exists), f.field("deadlines", x.deadlines));
    }
  };

  static std::unique_ptr<aggregate_instance> instance_of(std::string_view key, std::shared_ptr<const P> handler) {
    state initial{};
    initial.key = key;
    initial.handler = std::move(handler);
    return std::make_unique<typed_instance<process>>(std::move(initial));
  }
  static std::unique_ptr<aggregate_instance> make_instance(std::string_view key) {
    return instance_of(key, default_handler<P>());
  }

  template <class E>
  static decision<event> decide(const state& s, const delivered<E>& input) {
    if (is_over(s) || (!s.exists && !input.starts)) return nothing;
    return decided(s, {}, s.handler->on(s.own, input.event, input.meta));
  }

  static decision<event> decide(const state& s, const deadline& due) {
    if (!is_set(s, due)) return nothing;
    if (is_over(s)) return deadlines_dropped{names_of(s.deadlines)};  // it ended before endings dropped them
    std::vector<event> reached{deadline_reached{due.name, due.due}};
    if constexpr (gives_on_deadline<P>) {
      return decided(s, std::move(reached), s.handler->on(s.own, due));
    } else {
      return reached;
    }
  }

  static decision<event> decide(const state& s, const drop_deadline& rejected) {
    if (!is_set(s, rejected)) return nothing;
    return deadlines_dropped{{rejected.name}};
  }

  static decision<event> decide(const state& s, const refused_command& refused) {
    if constexpr (gives_on_refused<P>) {
      if (!is_over(s) && s.exists) return decided(s, {}, s.handler->on(s.own, refused));
    }
    return nothing;
  }

  template <class E>
  static state evolve(state s, const E& e) {
    s.exists = true;
    if constexpr (!std::same_as<E, deadline_reached> && !std::same_as<E, deadlines_dropped>) {
      s.own = P::evolve(std::move(s.own), e);
    }
    note_deadlines(s.deadlines, e, s.key);
    return s;
  }

 private:
  static bool is_over(const state& s) {
    if constexpr (gives_is_over<P>) {
      return s.exists && P::is_over(s.own);
    } else {
      return false;
    }
  }

  // Takes note of what becomes of the deadlines that are `set` with the event.
  template <class E>
  static void note_deadlines(std::map<std::string, timestamp>& set, const E& e, const std::string& key) {
    if constexpr (std::same_as<E, deadline_reached>) {
      set.erase(e.name);
    } else if constexpr (std::same_as<E, deadlines_dropped>) {
      for (const auto& name : e.names) set.erase(name);
    } else {
      for (const auto& each : steps_of<P>(e, key)) {
        if (const auto* on = std::get_if<set_deadline>(&each)) set.insert_or_assign(on->name, on->due);
        if (const auto* off = std::get_if<cancel_deadline>(&each)) set.erase(off->name);
      }
    }
  }

  // Another time: the deadline was moved, and is told then.
  template <class Told>
  static bool is_set(const state& s, const Told& told) {
    const auto set = s.deadlines.find(told.name);
    return set != s.deadlines.end() && set->second == told.due;
  }

  static std::vector<std::string> names_of(const std::map<std::string, timestamp>& deadlines) {
    std::vector<std::string> names;
    names.reserve(deadlines.size());
    for (const auto& [name, due] : deadlines) names.push_back(name);
    return names;
  }

  // What P has decided, behind what is known already, and before what becomes of the deadlines if the instance ends
  // with it.
  static decision<event> decided(const state& s, std::vector<event> first, decision<typename P::event> by_process) {
    if (const auto* no = by_process.rejected()) return *no;
    for (auto& each : std::move(by_process).events()) {
      std::visit(
          [&](auto& e) {
            check_deadlines(steps_of<P>(e, s.key), P::name, s.key, gives_on_deadline<P>);
            first.emplace_back(std::move(e));
          },
          each);
    }
    if constexpr (gives_is_over<P>) {
      auto left = s.deadlines;
      for (const auto& each : first) std::visit([&](const auto& e) { note_deadlines(left, e, s.key); }, each);
      // P's state may be large: it is copied only if there is something to drop.
      if (!left.empty() && is_over(state_after(s, first))) first.push_back(deadlines_dropped{names_of(left)});
    }
    return first;
  }

  static state state_after(state s, const std::vector<event>& decided) {
    for (const auto& each : decided) {
      s = std::visit([&s](const auto& e) { return evolve(std::move(s), e); }, each);
    }
    return s;
  }
};

template <class P>
reaction_definition define_process_input(const std::shared_ptr<const P>& handler) {
  reaction_definition made{};
  describe_consumer<P, typename P::inputs>(made);
  if constexpr (gives_from<P>) made.from = P::from;
  event_list<typename P::inputs>::for_each([&]<class E>(std::type_identity<E>) {
    made.handlers.emplace(stored_name<E>, [handler](const recorded_event& recorded) -> result<commands> {
      auto event = event_cast<E>(recorded);
      if (!event) return std::move(event).error();
      const correlation to = handler->correlate(**event, recorded.meta);
      if (to.key.empty()) return commands{};
      return commands{send<process<P>>(to.key, delivered<E>{**event, recorded.meta, to.starts})};
    });
    made.keys.insert_or_assign(std::string{stored_name<E>},
                               [handler](const recorded_event& recorded) -> std::optional<std::string> {
                                 const auto event = event_cast<E>(recorded);
                                 if (!event) return std::nullopt;
                                 return handler->correlate(**event, recorded.meta).key;
                               });
  });
  return made;
}

template <class P, class E>
result<steps> recorded_steps(const recorded_event& recorded) {
  auto event = event_cast<E>(recorded);
  if (!event) return std::move(event).error();
  return steps_of<P>(**event, std::string{recorded.meta.entity_id()});
}

template <class P, class... Es>
reaction_definition define_process_output(const std::variant<Es...>*) {
  reaction_definition made{};
  made.name = std::string{P::name} + "/commands";
  made.categories = {std::string{P::name}};
  if constexpr (gives_failures<P>) made.failures = checked_policy(P::failures, P::name);
  const auto add = [&]<class E>(std::type_identity<E>) {
    made.handlers.emplace(stored_name<E>, [](const recorded_event& recorded) -> result<commands> {
      auto follows = recorded_steps<P, E>(recorded);
      if (!follows) return std::move(follows).error();
      commands sent;
      for (auto& each : *follows) {
        if (auto* command = std::get_if<outgoing_command>(&each)) sent.push_back(std::move(*command));
      }
      return sent;
    });
  };
  (add(std::type_identity<Es>{}), ...);
  if constexpr (gives_on_refused<P>) {
    made.on_rejected = [](const refused_command& refused, const metadata& meta) -> result<commands> {
      return commands{send<process<P>>(meta.entity_id(), refused)};
    };
  }
  return made;
}

}  // namespace detail

/// The instances of the process manager P as aggregates, for close_stream(), truncate_stream() and delete_stream().
template <class P>
using process_instance = detail::process<P>;

/// The deadlines of a process manager: which are set and cancelled by an event, how one that is due is told, and how
/// one that was rejected is dropped.
struct deadlines_definition : consumer_definition {
  event_handlers<result<steps>(const recorded_event&)> handlers = {};
  outgoing_command (*fire)(std::string_view key, const deadline& due) = nullptr;
  outgoing_command (*drop)(std::string_view key, const deadline& rejected) = nullptr;
};

/// What makes up a process manager.
struct process_manager_definition {
  const aggregate_definition* instances = nullptr;
  /// Makes the instance `key`, which is handled by this process manager; instead of instances->create. From any thread.
  std::function<std::unique_ptr<aggregate_instance>(std::string_view key)> create;
  reaction_definition input;
  reaction_definition output;
  deadlines_definition deadlines;
};

/// Returns the definition of the process manager P, which `manager` is; shared with the definition's copies. Fails to
/// compile, saying why, if P is incomplete or has a member that would be passed over. P has
///   `static constexpr std::string_view name`: the category of its instances' streams, and its consumers' name;
///   `using inputs = tyto::events<…>`, and for each `correlate` and `on`, static or const members;
///   `using event = std::variant<…>`, its own events, and for each `evolve` and, if anything follows from it,
///   `static tyto::steps then(const YourEvent&, const std::string& key)`;
///   `struct state`; and, if it has deadlines, `on(const state&, const tyto::deadline&)`;
///   `on(const state&, const tyto::refused_command&)` if an instance is to be told when a command of its own is
///   refused: once, like all inputs;
///   `static bool is_over(const state&)` if an instance ends: then it takes nothing more, and its deadlines are
///   dropped; `static constexpr tyto::snapshot_policy snapshots`, `snapshot_after` and `using summaries`, as in an
///   aggregate, if an instance lives so long that its history should not be replayed as a whole; and what else it says
///   of itself, see consumer_definition, failure_policy and start_from.
/// It runs as three consumers, under whose names it is in status(), health() and dead_letters(): `name`, which takes in
/// events, `name/commands`, and `name/deadlines`.
///
/// `correlate` runs on the thread of the consumer `name`, and must give the same answer when it is asked again. `on`
/// runs on a thread that it shares with aggregates, so it must not block; many may run at the same time, but one for
/// each instance. `evolve`, `then` and `is_over` are static, for they depend on their arguments alone: each is called
/// again for the same event, and must answer the same, also in later versions of the program.
///
/// A deadline is told when the consumer `name` has delivered everything that was in the journal when the deadline was
/// found to be due. While that consumer has halted or is paused, or has dead letters of the instance, the deadline is
/// held, and health() says so. All deadlines are held while it has a dead letter of which it cannot be told whose it
/// is: one that could not be brought up to date, or at which `correlate` threw. A deadline that the instance rejects is
/// dropped, and counted in the status of `name/deadlines`; so is one of an instance whose stream was closed or deleted,
/// after each start.
template <class P>
process_manager_definition define_process_manager(P manager) {
  process_manager_definition made{};
  if constexpr (detail::check_process_manager<P>()) {
    using instance = detail::process<P>;
    const auto handler = std::make_shared<const P>(std::move(manager));
    made.instances = &definition_of<instance>();
    made.create = [handler](std::string_view key) { return instance::instance_of(key, handler); };
    made.input = detail::define_process_input<P>(handler);
    made.output = detail::define_process_output<P>(static_cast<const typename P::event*>(nullptr));
    auto& deadlines = made.deadlines;
    deadlines.name = std::string{P::name} + "/deadlines";
    deadlines.categories = {std::string{P::name}};
    [&]<class... Es>(const std::variant<Es...>*) {
      (deadlines.handlers.emplace(
           stored_name<Es>, [](const recorded_event& recorded) { return detail::recorded_steps<P, Es>(recorded); }),
       ...);
    }(static_cast<const typename P::event*>(nullptr));
    deadlines.handlers.emplace(stored_name<deadline_reached>, [](const recorded_event& recorded) -> result<steps> {
      auto reached = event_cast<deadline_reached>(recorded);
      if (!reached) return std::move(reached).error();
      return steps{cancel_deadline{(*reached)->name}};
    });
    deadlines.handlers.emplace(stored_name<deadlines_dropped>, [](const recorded_event& recorded) -> result<steps> {
      auto dropped = event_cast<deadlines_dropped>(recorded);
      if (!dropped) return std::move(dropped).error();
      steps cancelled;
      for (const auto& name : (*dropped)->names) cancelled.emplace_back(cancel_deadline{name});
      return cancelled;
    });
    deadlines.fire = [](std::string_view key, const deadline& due) { return send<instance>(key, due); };
    deadlines.drop = [](std::string_view key, const deadline& rejected) {
      return send<instance>(key, detail::drop_deadline{rejected.name, rejected.due});
    };
  }
  return made;
}

/// The same for a process manager without dependencies.
template <class P>
process_manager_definition define_process_manager() {
  constexpr bool constructible = std::default_initializable<P>;
  static_assert(constructible,
                "tyto: the process manager has dependencies; hand it over: `process_manager(your_manager{...})`");
  if constexpr (constructible) {
    return define_process_manager(P{});
  } else {
    return {};
  }
}

}  // namespace tyto

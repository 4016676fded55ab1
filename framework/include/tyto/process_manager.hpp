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

/// Sets the deadline `name` of an instance, or moves it. It survives restarts; one that is overdue fires at the start.
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

template <class List>
struct process_commands;
template <class... Es>
struct process_commands<events<Es...>> : std::type_identity<std::variant<delivered<Es>..., deadline, refused_command>> {
};

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

/// The process manager P as an aggregate. Its name is P's, its stream has P's events and the deadlines that ran out.
/// The initial state of an instance says which P handles its inputs.
template <class P>
struct process {
  static constexpr std::string_view category = P::name;
  using command = typename process_commands<typename P::inputs>::type;
  using event = typename variant_with<typename P::event, deadline_reached>::type;
  struct state {
    typename P::state own{};
    bool exists = false;
    std::map<std::string, timestamp> deadlines;
    std::shared_ptr<const P> handler = default_handler<P>();
  };

  template <class E>
  static decision<event> decide(const state& s, const delivered<E>& input) {
    if (is_over(s) || (!s.exists && !input.starts)) return nothing;
    return widened({}, s.handler->on(s.own, input.event, input.meta));
  }

  static decision<event> decide(const state& s, const deadline& due) {
    const auto set = s.deadlines.find(due.name);
    if (is_over(s) || set == s.deadlines.end() || set->second != due.due) return nothing;  // moved or cancelled
    std::vector<event> reached{deadline_reached{due.name, due.due}};
    if constexpr (gives_on_deadline<P>) {
      return widened(std::move(reached), s.handler->on(s.own, due));
    } else {
      return reached;
    }
  }

  static decision<event> decide(const state& s, const refused_command& refused) {
    if constexpr (gives_on_refused<P>) {
      if (!is_over(s) && s.exists) return widened({}, s.handler->on(s.own, refused));
    }
    return nothing;
  }

  template <class E>
  static state evolve(state s, const E& e) {
    s.exists = true;
    if constexpr (std::same_as<E, deadline_reached>) {
      s.deadlines.erase(e.name);
    } else {
      s.own = P::evolve(std::move(s.own), e);
      for (const auto& each : steps_of<P>(e, {})) {
        if (const auto* set = std::get_if<set_deadline>(&each)) s.deadlines.insert_or_assign(set->name, set->due);
        if (const auto* off = std::get_if<cancel_deadline>(&each)) s.deadlines.erase(off->name);
      }
    }
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

  static decision<event> widened(std::vector<event> first, decision<typename P::event> rest) {
    if (const auto* no = rest.rejected()) return *no;
    for (auto& each : std::move(rest).events()) {
      std::visit([&](auto& e) { first.emplace_back(std::move(e)); }, each);
    }
    return first;
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
    made.keys.insert_or_assign(std::string{stored_name<E>}, [handler](const recorded_event& recorded) -> std::string {
      const auto event = event_cast<E>(recorded);
      return event ? handler->correlate(**event, recorded.meta).key : recorded.meta.persistence_id;
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

/// The deadlines of a process manager: which are set and cancelled by an event, and how one that is due is told.
struct deadlines_definition : consumer_definition {
  event_handlers<result<steps>(const recorded_event&)> handlers = {};
  outgoing_command (*fire)(std::string_view key, const deadline& due) = nullptr;
};

/// What makes up a process manager.
struct process_manager_definition {
  const aggregate_definition* instances = nullptr;
  /// Makes an instance that is handled by this process manager; instead of instances->create. From any thread.
  std::function<std::unique_ptr<aggregate_instance>()> create;
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
///   `static bool is_over(const state&)` if an instance ends: then it takes nothing more;
///   and what else it says of itself, see consumer_definition, failure_policy and start_from.
/// It runs as three consumers, under whose names it is in status(), health() and dead_letters(): `name`, which takes in
/// events, `name/commands`, and `name/deadlines`.
///
/// `correlate` runs on the thread of the consumer `name`, and must give the same answer when it is asked again. `on`
/// runs on a thread that it shares with aggregates, so it must not block; many may run at the same time, but one for
/// each instance. `evolve`, `then` and `is_over` are static, for they depend on their arguments alone.
template <class P>
process_manager_definition define_process_manager(P manager) {
  process_manager_definition made{};
  if constexpr (detail::check_process_manager<P>()) {
    using instance = detail::process<P>;
    const auto handler = std::make_shared<const P>(std::move(manager));
    made.instances = &definition_of<instance>();
    made.create = [handler]() -> std::unique_ptr<aggregate_instance> {
      return std::make_unique<detail::typed_instance<instance>>(typename instance::state{{}, false, {}, handler});
    };
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
    deadlines.fire = [](std::string_view key, const deadline& due) { return send<instance>(key, due); };
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

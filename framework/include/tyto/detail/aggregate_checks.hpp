// What is said at compile time of an aggregate that is not complete, or has a member that would be passed over.
#pragma once

#include <concepts>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include "tyto/decision.hpp"
#include "tyto/detail/near_miss.hpp"
#include "tyto/document.hpp"
#include "tyto/event.hpp"
#include "tyto/snapshot_policy.hpp"

namespace tyto::detail {

TYTO_DETAIL_MEMBER(decide)
TYTO_DETAIL_MEMBER(evolve)
TYTO_DETAIL_MEMBER(snapshot_after)
TYTO_DETAIL_MEMBER(snapshots)
TYTO_DETAIL_MEMBER(summaries)
TYTO_DETAIL_MEMBER(upcast_state)
TYTO_DETAIL_MEMBER(skips_unknown_events)

template <class T>
inline constexpr bool is_variant = false;
template <class... Ts>
inline constexpr bool is_variant<std::variant<Ts...>> = true;

template <class T>
inline constexpr bool is_event_list = false;
template <class... Es>
inline constexpr bool is_event_list<events<Es...>> = true;

template <class List, class E>
inline constexpr bool is_among = false;
template <template <class...> class List, class... Es, class E>
inline constexpr bool is_among<List<Es...>, E> = (std::same_as<Es, E> || ...);

template <class A>
concept has_aggregate_parts = requires {
  { A::category } -> std::convertible_to<std::string_view>;
  typename A::command;
  typename A::event;
  typename A::state;
  requires std::default_initializable<typename A::state>;
  requires is_variant<typename A::command>;
  requires is_variant<typename A::event>;
};

template <class A, class Command>
struct command_check {
  static constexpr bool callable = requires(const typename A::state& state, const Command& command) {
    A::decide(state, command);
  };
  static constexpr bool value = requires(const typename A::state& state, const Command& command) {
    { A::decide(state, command) } -> std::convertible_to<decision<typename A::event>>;
  };
  static constexpr bool found() {
    if constexpr (callable) {
      return true;
    } else {
      return decide_takes<A, Command>;
    }
  }
  static_assert(found(),
                "tyto: a command of the aggregate has no decide; write "
                "`static tyto::decision<event> decide(const state&, const YourCommand&)`");
  static_assert(value || !found(),
                "tyto: a decide of the aggregate has another form; write "
                "`static tyto::decision<event> decide(const state&, const YourCommand&)`");
};

template <class A, class E>
concept gives_snapshot_after = requires(const typename A::state& state, const E& event) {
  { A::snapshot_after(state, event) } -> std::convertible_to<bool>;
};

/// Whether A's snapshot_after for the event E, if there is one, has the right form.
template <class A, class E>
constexpr bool asks_well() {
  if constexpr (has_snapshot_after<A> && !gives_snapshot_after<A, E>) {
    return !snapshot_after_takes<A, E>;
  } else {
    return true;
  }
}

template <class A, class Event>
struct event_check {
  static constexpr bool named = event<Event>;
  static_assert(named,
                "tyto: an event of the aggregate has no stored name; write `TYTO_EVENT(type, \"name\", field, ...)`");
  static constexpr bool constructible = std::default_initializable<Event>;
  static_assert(constructible, "tyto: an event of the aggregate has no default constructor; it is read back into one");
  enum : bool { stored = stores_fields<Event>() };
  static constexpr bool callable = requires(typename A::state state, const Event& event) {
    A::evolve(std::move(state), event);
  };
  static constexpr bool evolved = requires(typename A::state state, const Event& event) {
    { A::evolve(std::move(state), event) } -> std::convertible_to<typename A::state>;
  };
  static constexpr bool found() {
    if constexpr (callable) {
      return true;
    } else {
      return evolve_takes<A, Event>;
    }
  }
  static_assert(found(),
                "tyto: an event of the aggregate has no evolve; write "
                "`static state evolve(state, const YourEvent&)`");
  static_assert(evolved || !found(),
                "tyto: an evolve of the aggregate has another form; write "
                "`static state evolve(state, const YourEvent&)`");
  static constexpr bool asks = asks_well<A, Event>();
  static_assert(asks,
                "tyto: a snapshot_after has another form; write "
                "`static bool snapshot_after(const state&, const YourEvent&)`");
  static constexpr bool value = named && constructible && stored && evolved && asks;
};

template <class A, class E>
concept evolves_plainly = requires(typename A::state state, E& event) {
  A::evolve(std::move(state), {event});
};

template <class A>
concept takes_snapshots = is_value_snapshots<A> && requires {
  { A::snapshots } -> std::convertible_to<snapshot_policy>;
};

template <class A>
concept upcasts_state = takes_snapshots<A> && requires(document& state, std::uint32_t version) {
  { A::upcast_state(state, version) } -> std::same_as<void>;
};

template <class A>
concept lists_summaries = requires {
  requires is_event_list<typename A::summaries>;
};

template <class A>
concept says_whether_it_skips = is_value_skips_unknown_events<A> && requires {
  requires std::same_as < std::remove_cvref_t<decltype(A::skips_unknown_events)>,
  bool > ;
};

template <class Variant, class List>
inline constexpr bool has_all = false;
template <class Variant, class... Es>
inline constexpr bool has_all<Variant, events<Es...>> = (is_among<Variant, Es> && ...);

template <class A, class Commands, class Events>
struct aggregate_check;
template <class A, class... Commands, class... Events>
struct aggregate_check<A, std::variant<Commands...>, std::variant<Events...>> {
  // An enumerator is computed along with its class, which keeps the compiler's "required from" lines few.
  enum : bool { complete = (command_check<A, Commands>::value & ...) & (event_check<A, Events>::value & ...) };

  static constexpr bool names_differ() {
    if constexpr (complete) {
      return event_list<events<Events...>>::names_differ();
    } else {
      return true;  // said already
    }
  }
  static_assert(names_differ(), "tyto: two events of the aggregate have the same stored name");

  static constexpr bool evolves_by_no_other() {
    if constexpr ((evolves_plainly<A, Events> && ...)) {
      return !takes_unlisted<calls_evolve, events<Events...>, A&, typename A::state, the_event>();
    } else {
      return true;
    }
  }
  static_assert(evolves_by_no_other(),
                "tyto: an evolve of the aggregate is for an event that it does not have; write "
                "`using event = std::variant<..., YourEvent>`");

  static constexpr bool asks_for_snapshots =
      !has_snapshot_after<A> || (gives_snapshot_after<A, Events> || ...) || !(event_check<A, Events>::asks && ...);
  static_assert(asks_for_snapshots,
                "tyto: the snapshot_after is for none of the events; write "
                "`static bool snapshot_after(const state&, const YourEvent&)`");

  static constexpr bool value = complete && names_differ() && evolves_by_no_other() && asks_for_snapshots;
};

template <class A>
constexpr bool check_snapshots() {
  constexpr bool is_policy = !has_snapshots<A> || takes_snapshots<A>;
  static_assert(is_policy,
                "tyto: `snapshots` has another form; write "
                "`static constexpr tyto::snapshot_policy snapshots{.every_events = 100}`");
  constexpr bool is_asked_in_vain = has_snapshot_after<A> && !has_snapshots<A>;
  static_assert(!is_asked_in_vain,
                "tyto: snapshot_after has no effect without snapshots; write "
                "`static constexpr tyto::snapshot_policy snapshots{}`");
  constexpr bool is_upcast_in_vain = has_upcast_state<A> && !has_snapshots<A>;
  static_assert(!is_upcast_in_vain,
                "tyto: upcast_state has no effect without snapshots; write "
                "`static constexpr tyto::snapshot_policy snapshots{}`");
  constexpr bool upcasts_well = !has_upcast_state<A> || !takes_snapshots<A> || upcasts_state<A>;
  static_assert(upcasts_well,
                "tyto: upcast_state has another form; write "
                "`static void upcast_state(tyto::document& state, std::uint32_t version)`");
  if constexpr (takes_snapshots<A>) {
    constexpr bool storable = inspectable<typename A::state>;
    static_assert(storable,
                  "tyto: a state of which snapshots are taken cannot be stored; name its fields with "
                  "`TYTO_VALUE(your_type::state, field, ...)`");
    constexpr bool keeps_one = snapshot_policy{A::snapshots}.keep > 0;
    static_assert(keeps_one, "tyto: snapshot_policy::keep is at least 1");
    return storable && keeps_one && upcasts_well;
  } else {
    return is_policy && !is_asked_in_vain && !is_upcast_in_vain;
  }
}

template <class A>
constexpr bool check_summaries() {
  constexpr bool lists = !has_summaries<A> || lists_summaries<A>;
  static_assert(lists, "tyto: `summaries` has another form; write `using summaries = tyto::events<YourEvent>`");
  constexpr bool has_its_summaries = [] {
    if constexpr (lists_summaries<A>) {
      return has_all<typename A::event, typename A::summaries>;
    } else {
      return true;
    }
  }();
  static_assert(has_its_summaries,
                "tyto: a summary is none of the events; write `using event = std::variant<..., YourEvent>`");
  constexpr bool no_snapshot = !requires { requires std::same_as<const decltype(A::snapshot), const snapshot_policy>; };
  static_assert(no_snapshot,
                "tyto: `snapshot` has no effect; write `static constexpr tyto::snapshot_policy snapshots{...}`");
  constexpr bool no_summary = !requires { requires is_event_list<typename A::summary>; };
  static_assert(no_summary, "tyto: `summary` has no effect; write `using summaries = tyto::events<...>`");
  return lists && has_its_summaries && no_snapshot && no_summary;
}

template <class A>
constexpr bool check_aggregate_options() {
  constexpr bool skips = !has_skips_unknown_events<A> || says_whether_it_skips<A>;
  static_assert(skips,
                "tyto: skips_unknown_events of the aggregate has another form; write "
                "`static constexpr bool skips_unknown_events = true`");
  constexpr bool no_skip = !requires { requires std::same_as<decltype(A::skip_unknown_events), const bool>; };
  static_assert(no_skip,
                "tyto: `skip_unknown_events` of the aggregate has no effect; write "
                "`static constexpr bool skips_unknown_events = true`");
  return skips && no_skip;
}

/// Says at compile time what is wrong with the aggregate A; returns whether nothing is.
template <class A>
constexpr bool check_aggregate() {
  static_assert(
      has_aggregate_parts<A>,
      "tyto: an aggregate has `static constexpr std::string_view category`, a default-constructible `state`, and "
      "`command` and `event`, each a std::variant");
  if constexpr (has_aggregate_parts<A>) {
    constexpr bool handles_all = aggregate_check<A, typename A::command, typename A::event>::value;
    constexpr bool snapshots = check_snapshots<A>() && check_summaries<A>();
    constexpr bool options = check_aggregate_options<A>();
    return handles_all && snapshots && options;
  } else {
    return false;
  }
}

}  // namespace tyto::detail

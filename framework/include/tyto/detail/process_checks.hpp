// What is said at compile time of a process manager that is not complete, or has a member that would be passed over.
#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "tyto/decision.hpp"
#include "tyto/detail/aggregate_checks.hpp"
#include "tyto/detail/consumer_checks.hpp"
#include "tyto/detail/near_miss.hpp"
#include "tyto/event.hpp"
#include "tyto/metadata.hpp"

namespace tyto {

struct correlation;
struct deadline;
struct set_deadline;
struct cancel_deadline;
using step = std::variant<outgoing_command, set_deadline, cancel_deadline>;
using steps = std::vector<step>;

namespace detail {

TYTO_DETAIL_MEMBER(correlate)
TYTO_DETAIL_MEMBER(on)
TYTO_DETAIL_MEMBER(then)
TYTO_DETAIL_MEMBER(is_over)

template <class P>
concept has_process_parts = requires {
  { P::name } -> std::convertible_to<std::string_view>;
  requires is_event_list<typename P::inputs>;
  requires is_variant<typename P::event>;
  requires std::default_initializable<typename P::state>;
};

template <class P, class E>
concept gives_then = requires(const E& event, const std::string& key) {
  { P::then(event, key) } -> std::convertible_to<steps>;
};

template <class P>
concept gives_is_over = requires(const typename P::state& state) {
  { P::is_over(state) } -> std::convertible_to<bool>;
};

template <class P>
concept gives_on_deadline = requires(const P& p, const typename P::state& state, const deadline& due) {
  { p.on(state, due) } -> std::convertible_to<decision<typename P::event>>;
};

template <class P>
concept gives_on_refused = requires(const P& p, const typename P::state& state, const refused_command& refused) {
  { p.on(state, refused) } -> std::convertible_to<decision<typename P::event>>;
};

template <class P, class E>
struct process_input_check {
  static constexpr bool correlates = requires(const P& p, const E& event, const metadata& meta) {
    { p.correlate(event, meta) } -> std::convertible_to<correlation>;
  };
  static constexpr bool finds_correlate() {
    if constexpr (requires(const P& p, const E& event, const metadata& meta) { p.correlate(event, meta); }) {
      return true;
    } else {
      return correlate_takes<P, E>;
    }
  }
  static_assert(finds_correlate(),
                "tyto: an input of the process manager has no correlate; write "
                "`static tyto::correlation correlate(const YourEvent&, const tyto::metadata&)`");
  static_assert(correlates || !finds_correlate(),
                "tyto: a correlate of the process manager has another form; write "
                "`static tyto::correlation correlate(const YourEvent&, const tyto::metadata&)`");

  static constexpr bool handled =
      requires(const P& p, const typename P::state& state, const E& event, const metadata& meta) {
    { p.on(state, event, meta) } -> std::convertible_to<decision<typename P::event>>;
  };
  static constexpr bool finds_on() {
    if constexpr (requires(const P& p, const typename P::state& state, const E& event, const metadata& meta) {
                    p.on(state, event, meta);
                  }) {
      return true;
    } else {
      return on_takes<P, E>;
    }
  }
  static_assert(finds_on(),
                "tyto: an input of the process manager has no on; write "
                "`static tyto::decision<event> on(const state&, const YourEvent&, const tyto::metadata&)`");
  static_assert(handled || !finds_on(),
                "tyto: an on of the process manager has another form; write "
                "`static tyto::decision<event> on(const state&, const YourEvent&, const tyto::metadata&)`");
  static constexpr bool value = correlates && handled;
};

template <class P, class E>
struct process_event_check {
  static constexpr bool evolved = requires(typename P::state state, const E& event) {
    { P::evolve(std::move(state), event) } -> std::convertible_to<typename P::state>;
  };
  static constexpr bool finds_evolve() {
    if constexpr (requires(typename P::state state, const E& event) { P::evolve(std::move(state), event); }) {
      return true;
    } else {
      return evolve_takes<P, E>;
    }
  }
  static_assert(finds_evolve(),
                "tyto: an event of the process manager has no evolve; write "
                "`static state evolve(state, const YourEvent&)`");
  static_assert(evolved || !finds_evolve(),
                "tyto: an evolve of the process manager has another form; write "
                "`static state evolve(state, const YourEvent&)`");

  static constexpr bool follows = [] {
    if constexpr (has_then<P> && !gives_then<P, E>) {
      return !then_takes<P, E>;
    } else {
      return true;
    }
  }();
  static_assert(follows,
                "tyto: a then of the process manager has another form; write "
                "`static tyto::steps then(const YourEvent&, const std::string& key)`");
  static constexpr bool asks = asks_well<P, E>();
  static_assert(asks,
                "tyto: a snapshot_after has another form; write "
                "`static bool snapshot_after(const state&, const YourEvent&)`");
  static constexpr bool value = evolved && follows && asks;
};

template <class P, class E>
concept correlates_plainly = requires(const P& p, E& event, const metadata& meta) {
  p.correlate({event}, meta);
};
template <class P, class E>
concept follows_plainly = requires(E& event, const std::string& key) {
  P::then({event}, key);
};
template <class P, class E>
concept is_on_plainly = requires(const P& p, const typename P::state& state, E& event, const metadata& meta) {
  p.on(state, {event}, meta);
};

template <class P, class Inputs, class Events>
struct process_check;
template <class P, class... Inputs, class... Events>
struct process_check<P, events<Inputs...>, std::variant<Events...>> {
  enum : bool { takes_inputs = (process_input_check<P, Inputs>::value && ...) };
  enum : bool { has_events = (process_event_check<P, Events>::value && ...) };

  static constexpr bool correlates_listed = [] {
    if constexpr ((correlates_plainly<P, Inputs> && ...)) {
      return !takes_unlisted<calls_correlate, events<Inputs...>, const P&, the_event, const metadata&>();
    } else {
      return true;
    }
  }();
  static_assert(correlates_listed,
                "tyto: a correlate of the process manager is for an event that is not in its list; write "
                "`using inputs = tyto::events<..., YourEvent>`");
  static constexpr bool is_on_listed = [] {
    if constexpr ((is_on_plainly<P, Inputs> && ...)) {
      return !takes_unlisted<calls_on, events<Inputs...>, const P&, const typename P::state&, the_event,
                             const metadata&>();
    } else {
      return true;
    }
  }();
  static_assert(is_on_listed,
                "tyto: an on of the process manager is for an event that is not in its list; write "
                "`using inputs = tyto::events<..., YourEvent>`");
  static constexpr bool evolves_listed = [] {
    if constexpr ((evolves_plainly<P, Events> && ...)) {
      return !takes_unlisted<calls_evolve, events<Events...>, P&, typename P::state, the_event>();
    } else {
      return true;
    }
  }();
  static_assert(evolves_listed,
                "tyto: an evolve of the process manager is for an event that it does not have; write "
                "`using event = std::variant<..., YourEvent>`");
  static constexpr bool follows_listed = [] {
    if constexpr ((gives_then<P, Events> || ...) && ((follows_plainly<P, Events> || !gives_then<P, Events>)&&...)) {
      return !takes_unlisted<calls_then, events<Events...>, P&, the_event, const std::string&>();
    } else {
      return true;
    }
  }();
  static_assert(follows_listed,
                "tyto: a then of the process manager is for an event that it does not have; write "
                "`using event = std::variant<..., YourEvent>`");

  static constexpr bool follows =
      !has_then<P> || !(process_event_check<P, Events>::follows && ...) || (gives_then<P, Events> || ...);
  static_assert(follows,
                "tyto: the then of the process manager is for none of its events; write "
                "`static tyto::steps then(const YourEvent&, const std::string& key)`");

  static constexpr bool value =
      takes_inputs && has_events && correlates_listed && is_on_listed && evolves_listed && follows_listed && follows;
};

template <class P>
constexpr bool takes_deadlines_well() {
  if constexpr (gives_on_deadline<P>) {
    return true;
  } else if constexpr (requires(P & p, const typename P::state& state, deadline& due) { p.on(state, {due}); }) {
    return false;
  } else {
    return !on_takes<P, deadline>;
  }
}

template <class P>
constexpr bool takes_refusals_well() {
  if constexpr (gives_on_refused<P>) {
    return true;
  } else if constexpr (requires(P & p, const typename P::state& state, refused_command& refused) {
                         p.on(state, {refused});
                       }) {
    return false;
  } else {
    return !on_takes<P, refused_command>;
  }
}

/// The optional members of a process manager.
template <class P>
constexpr bool check_process_options() {
  constexpr bool deadlines = takes_deadlines_well<P>();
  static_assert(deadlines,
                "tyto: the on of the process manager for a deadline has another form; write "
                "`static tyto::decision<event> on(const state&, const tyto::deadline&)`");
  constexpr bool refusals = takes_refusals_well<P>();
  static_assert(refusals,
                "tyto: the on of the process manager for a refused command has another form; write "
                "`static tyto::decision<event> on(const state&, const tyto::refused_command&)`");
  constexpr bool on_rejected = !has_on_rejected<P>;
  static_assert(on_rejected,
                "tyto: `on_rejected` of the process manager has no effect; write "
                "`static tyto::decision<event> on(const state&, const tyto::refused_command&)`");
  constexpr bool ends = !has_is_over<P> || gives_is_over<P>;
  static_assert(ends,
                "tyto: the is_over of the process manager has another form; write "
                "`static bool is_over(const state&)`");
  constexpr bool starts = !has_from<P> || gives_from<P>;
  static_assert(starts,
                "tyto: the from of the process manager has another form; write "
                "`static constexpr auto from = tyto::start_from::end`");
  constexpr bool keys = !has_key<P>;
  static_assert(keys,
                "tyto: `key` of the process manager has no effect; events of one correlation wait for each other");
  constexpr bool category = !requires { requires std::convertible_to<decltype(P::category), std::string_view>; };
  static_assert(category,
                "tyto: `category` of the process manager has no effect; the category of its streams is its name");
  constexpr bool events = !requires { requires is_event_list<typename P::events>; };
  static_assert(
      events,
      "tyto: `events` of the process manager has no effect; write `using inputs = tyto::events<first, second>`");
  constexpr bool snapshots = check_snapshots<P>() && check_summaries<P>();
  constexpr bool skips = !has_skips_unknown_events<P>;
  static_assert(skips, "tyto: `skips_unknown_events` of the process manager has no effect");
  constexpr bool replaces = !has_replaces<P>;
  static_assert(replaces, "tyto: `replaces` of the process manager has no effect; only projections replace each other");
  return deadlines && refusals && on_rejected && ends && starts && keys && category && events && snapshots && skips &&
         replaces;
}

/// Says at compile time what is wrong with the process manager P; returns whether nothing is.
template <class P>
constexpr bool check_process_manager() {
  constexpr bool has_parts = has_process_parts<P>;
  static_assert(
      has_parts,
      "tyto: a process manager has `static constexpr std::string_view name`, `using inputs = tyto::events<...>`, "
      "a default-constructible `state`, and `event`, a std::variant");
  if constexpr (has_parts) {
    constexpr bool consumer = check_consumer<P, typename P::inputs>();
    constexpr bool process = process_check<P, typename P::inputs, typename P::event>::value;
    constexpr bool options = check_process_options<P>();
    return consumer && process && options;
  } else {
    return false;
  }
}

}  // namespace detail
}  // namespace tyto

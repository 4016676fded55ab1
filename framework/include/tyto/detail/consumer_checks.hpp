// What is said at compile time of a reaction or projection that is not complete, or has a member that would be passed
// over.
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <ranges>
#include <string>
#include <string_view>
#include <type_traits>

#include "tyto/command.hpp"
#include "tyto/dead_letter.hpp"
#include "tyto/detail/aggregate_checks.hpp"
#include "tyto/detail/near_miss.hpp"
#include "tyto/event.hpp"
#include "tyto/metadata.hpp"

namespace tyto {

enum class start_from : std::uint8_t;
struct refused_command;

namespace detail {

TYTO_DETAIL_MEMBER(events)
TYTO_DETAIL_MEMBER(react)
TYTO_DETAIL_MEMBER(project)
TYTO_DETAIL_MEMBER(key)
TYTO_DETAIL_MEMBER(failures)
TYTO_DETAIL_MEMBER(categories)
TYTO_DETAIL_MEMBER(partitions)
TYTO_DETAIL_MEMBER(busy_wait)
TYTO_DETAIL_MEMBER(from)
TYTO_DETAIL_MEMBER(replaces)
TYTO_DETAIL_MEMBER(on_rejected)

template <class C>
concept named_consumer = requires {
  { C::name } -> std::convertible_to<std::string_view>;
};

template <class C>
concept lists_events = requires {
  requires is_event_list<typename C::events>;
};

template <class C>
concept gives_failures = is_value_failures<C> && requires {
  { C::failures } -> std::convertible_to<failure_policy>;
};

/// Whether the compiler knows that the failure_policy contradicts itself.
template <class C>
concept contradicts_itself = requires {
  requires std::bool_constant<failure_policy{C::failures}.contradicts_itself()>::value;
};

template <class C>
concept gives_categories = is_value_categories<C> && requires {
  { *std::ranges::begin(C::categories) } -> std::convertible_to<std::string_view>;
};

template <class C>
concept gives_partitions = is_value_partitions<C> && requires {
  { C::partitions } -> std::convertible_to<std::size_t>;
};

template <class C>
concept gives_busy_wait = is_value_busy_wait<C> && requires {
  { C::busy_wait } -> std::convertible_to<std::chrono::microseconds>;
};

template <class C>
concept gives_from = is_value_from<C> && requires {
  { C::from } -> std::convertible_to<start_from>;
};

template <class P>
concept replaces_another = requires {
  requires named_consumer<typename P::replaces>;
};

template <class C, class E>
concept has_key_of = requires(const E& event, const metadata& meta) {
  { C::key(event, meta) } -> std::convertible_to<std::string>;
};

/// Whether the type of a constant is T.
template <class Constant, class T>
concept constant_of = std::same_as<std::remove_cvref_t<Constant>, T>;

/// The names that are taken for others, where the type says what was meant.
template <class C>
constexpr bool check_consumer_names() {
  constexpr bool failure = !requires { requires constant_of<decltype(C::failure), failure_policy>; };
  static_assert(failure,
                "tyto: `failure` of the consumer has no effect; write "
                "`static constexpr tyto::failure_policy failures{...}`");
  constexpr bool policy = !requires { requires constant_of<decltype(C::failure_policy), tyto::failure_policy>; };
  static_assert(policy,
                "tyto: `failure_policy` of the consumer has no effect; write "
                "`static constexpr tyto::failure_policy failures{...}`");
  constexpr bool partition = !requires { requires std::integral<std::remove_cvref_t<decltype(C::partition)>>; };
  static_assert(partition,
                "tyto: `partition` of the consumer has no effect; write "
                "`static constexpr std::size_t partitions = 4`");
  constexpr bool start = !requires { requires constant_of<decltype(C::start), start_from>; };
  static_assert(start,
                "tyto: `start` of the consumer has no effect; write "
                "`static constexpr auto from = tyto::start_from::end`");
  constexpr bool begins_elsewhere = !requires { requires constant_of<decltype(C::start_from), tyto::start_from>; };
  static_assert(begins_elsewhere,
                "tyto: `start_from` of the consumer has no effect; write "
                "`static constexpr auto from = tyto::start_from::end`");
  return failure && policy && partition && start && begins_elsewhere;
}

/// The same for reactions and projections; a process manager's streams have a category.
template <class C>
constexpr bool check_category() {
  constexpr bool category = !requires { requires std::convertible_to<decltype(C::category), std::string_view>; }
  &&!requires { requires std::convertible_to<decltype(C::category[0]), std::string_view>; };
  static_assert(category,
                "tyto: `category` of the consumer has no effect; write "
                "`static constexpr std::string_view categories[] = {\"your_category\"}`");
  return category;
}

/// Options that every consumer may give.
template <class C>
constexpr bool check_consumer_options() {
  constexpr bool failures = !has_failures<C> || gives_failures<C>;
  static_assert(failures,
                "tyto: the failures of the consumer have another form; write "
                "`static constexpr tyto::failure_policy failures{...}`");
  constexpr bool is_limited = !contradicts_itself<C>;
  static_assert(is_limited,
                "tyto: the failures of the consumer limit the retries of on_failure::retry, which has no limit; write "
                "`{.retries = 8}` or `{.then = tyto::on_failure::retry}`");
  constexpr bool categories = !has_categories<C> || gives_categories<C>;
  static_assert(categories,
                "tyto: the categories of the consumer have another form; write "
                "`static constexpr std::string_view categories[] = {\"your_category\"}`");
  constexpr bool partitions = !has_partitions<C> || gives_partitions<C>;
  static_assert(partitions,
                "tyto: the partitions of the consumer have another form; write "
                "`static constexpr std::size_t partitions = 4`");
  constexpr bool busy_wait = !has_busy_wait<C> || gives_busy_wait<C>;
  static_assert(busy_wait,
                "tyto: the busy_wait of the consumer has another form; write "
                "`static constexpr std::chrono::microseconds busy_wait{500}`");
  constexpr bool names = check_consumer_names<C>();
  return failures && is_limited && categories && partitions && busy_wait && names;
}

template <class C, class E>
struct key_check {
  static constexpr bool value = [] {
    if constexpr (has_key<C> && !has_key_of<C, E>) {
      return !key_takes<C, E>;
    } else {
      return true;
    }
  }();
  static_assert(value,
                "tyto: a key of the consumer has another form; write "
                "`static std::string key(const YourEvent&, const tyto::metadata&)`");
};

/// Whether a key that is no template is for E: in braces an argument suits no template. Where all functions that are
/// used are such, a look for others compiles no body of a template; see near_miss.hpp.
template <class C, class E>
concept keys_plainly = requires(E& event, const metadata& meta) {
  C::key({event}, meta);
};

template <class C, class List>
struct keys_check;
template <class C, class... Es>
struct keys_check<C, events<Es...>> {
  enum : bool { formed = (key_check<C, Es>::value && ...) };
  static constexpr bool used = !has_key<C> || !formed || (has_key_of<C, Es> || ...);
  static_assert(used,
                "tyto: the key of the consumer is for none of its events; write "
                "`static std::string key(const YourEvent&, const tyto::metadata&)`");
  static constexpr bool listed = [] {
    if constexpr ((has_key_of<C, Es> || ...) && ((keys_plainly<C, Es> || !has_key_of<C, Es>)&&...)) {
      return !takes_unlisted<calls_key, events<Es...>, C&, the_event, const metadata&>();
    } else {
      return true;
    }
  }();
  static_assert(listed, "tyto: a key of the consumer is for an event that is not in its list");
  static constexpr bool value = formed && used && listed;
};

/// The events of a consumer and its name.
template <class C, class List>
constexpr bool check_consumer() {
  constexpr bool has_name = named_consumer<C>;
  static_assert(has_name, "tyto: a consumer has `static constexpr std::string_view name`, its checkpoint's key");
  constexpr bool all_named = event_list<List>::all_named;
  static_assert(all_named,
                "tyto: an event of the consumer has no stored name; write `TYTO_EVENT(type, \"name\", field, ...)`");
  if constexpr (all_named) {
    constexpr bool names_differ = event_list<List>::names_differ();
    static_assert(names_differ, "tyto: two events of the consumer have the same stored name");
    constexpr bool options = check_consumer_options<C>();
    return has_name && names_differ && options;
  } else {
    return false;
  }
}

template <class C>
constexpr bool check_list_of_events() {
  constexpr bool is_list = !has_events<C> || lists_events<C>;
  static_assert(is_list,
                "tyto: the events of the consumer have another form; write "
                "`using events = tyto::events<first, second>`");
  constexpr bool is_not_event = !requires { requires is_event_list<typename C::event>; };
  static_assert(is_not_event,
                "tyto: `event` of the consumer has no effect; write `using events = tyto::events<first, second>`");
  constexpr bool is_not_inputs = !requires { requires is_event_list<typename C::inputs>; };
  static_assert(is_not_inputs,
                "tyto: `inputs` of the consumer has no effect; write `using events = tyto::events<first, second>`");
  if constexpr (lists_events<C>) {
    constexpr bool has_any = event_list<typename C::events>::size > 0;
    static_assert(has_any, "tyto: the consumer's list of events is empty");
    return has_any && is_not_event && is_not_inputs;
  } else {
    return is_list && is_not_event && is_not_inputs;
  }
}

template <class T>
struct event_parameter;  // the event that a handler takes, for handlers of (const E&, const metadata&)
template <class R, class E, bool Noexcept>
struct event_parameter<R (*)(const E&, const metadata&) noexcept(Noexcept)> : std::type_identity<E> {};
template <class R, class C, class E, bool Noexcept>
struct event_parameter<R (C::*)(const E&, const metadata&) noexcept(Noexcept)> : std::type_identity<E> {};
template <class R, class C, class E, bool Noexcept>
struct event_parameter<R (C::*)(const E&, const metadata&) const noexcept(Noexcept)> : std::type_identity<E> {};
template <class R, class T, class E, bool Noexcept>
struct event_parameter<R (*)(T&, const E&, const metadata&) noexcept(Noexcept)> : std::type_identity<E> {};
template <class R, class C, class T, class E, bool Noexcept>
struct event_parameter<R (C::*)(T&, const E&, const metadata&) const noexcept(Noexcept)> : std::type_identity<E> {};

template <class C>
concept has_one_react = requires {
  typename event_parameter<decltype(&C::react)>::type;
};
template <class C>
concept has_one_project = requires {
  typename event_parameter<decltype(&C::project)>::type;
};

template <class C>
constexpr auto events_of_reaction() {
  if constexpr (lists_events<C>) {
    return typename C::events{};
  } else if constexpr (!has_events<C>) {
    static_assert(has_one_react<C>,
                  "tyto: a reaction has `react(const YourEvent&, const tyto::metadata&)`; one with several lists their "
                  "events: `using events = tyto::events<first, second>`");
    if constexpr (has_one_react<C>) {
      return events<typename event_parameter<decltype(&C::react)>::type>{};
    } else {
      return events<>{};
    }
  } else {
    return events<>{};
  }
}

template <class C>
constexpr auto events_of_projection() {
  if constexpr (lists_events<C>) {
    return typename C::events{};
  } else if constexpr (!has_events<C>) {
    static_assert(has_one_project<C>,
                  "tyto: a projection has `static void project(table&, const YourEvent&, const tyto::metadata&)`; one "
                  "with several lists their events: `using events = tyto::events<first, second>`");
    if constexpr (has_one_project<C>) {
      return events<typename event_parameter<decltype(&C::project)>::type>{};
    } else {
      return events<>{};
    }
  } else {
    return events<>{};
  }
}

template <class R>
concept answer_of_reaction = std::same_as<R, commands> || std::is_void_v<R>;

template <class C, class E>
struct react_check {
  static constexpr bool callable = requires(C & c, const E& event, const metadata& meta) { c.react(event, meta); };
  static constexpr bool found() {
    if constexpr (callable) {
      return true;
    } else {
      return react_takes<C, E>;
    }
  }
  static_assert(found(),
                "tyto: an event in the reaction's list of events has no react; write "
                "`tyto::commands react(const YourEvent&, const tyto::metadata&)`");
  static_assert(callable || !found(),
                "tyto: a react of the reaction has another form; write "
                "`tyto::commands react(const YourEvent&, const tyto::metadata&)`");
  static constexpr bool answers() {
    if constexpr (callable) {
      return answer_of_reaction<decltype(std::declval<C&>().react(std::declval<const E&>(),
                                                                  std::declval<const metadata&>()))>;
    } else {
      return true;
    }
  }
  static_assert(answers(), "tyto: react returns tyto::commands, or nothing if it sends none");
  static constexpr bool value = callable && answers();
};

template <class C>
concept gives_on_rejected = requires(C& c, const refused_command& refused, const metadata& meta) {
  { c.on_rejected(refused, meta) } -> answer_of_reaction;
};

template <class C, class E>
concept reacts_plainly = requires(C& c, E& event, const metadata& meta) {
  c.react({event}, meta);
};

template <class C, class List>
struct reaction_check;
template <class C, class... Es>
struct reaction_check<C, events<Es...>> {
  enum : bool { complete = (react_check<C, Es>::value && ...) };
  enum : bool { keyed = keys_check<C, events<Es...>>::value };
  static constexpr bool listed = [] {
    if constexpr ((reacts_plainly<C, Es> && ...)) {
      return !takes_unlisted<calls_react, events<Es...>, C&, the_event, const metadata&>();
    } else {
      return true;
    }
  }();
  static_assert(listed,
                "tyto: a react of the reaction is for an event that is not in its list; write "
                "`using events = tyto::events<..., YourEvent>`");
  static constexpr bool starts = !has_from<C> || gives_from<C>;
  static_assert(starts,
                "tyto: the from of the reaction has another form; write "
                "`static constexpr auto from = tyto::start_from::end`");
  static constexpr bool hears = !has_on_rejected<C> || gives_on_rejected<C>;
  static_assert(hears,
                "tyto: the on_rejected of the reaction has another form; write "
                "`tyto::commands on_rejected(const tyto::refused_command&, const tyto::metadata&)`");
  static constexpr bool replaces = !has_replaces<C>;
  static_assert(replaces, "tyto: `replaces` of the reaction has no effect; only projections replace each other");
  static constexpr bool value = complete && listed && keyed && starts && hears && replaces;
};

template <class C, class E>
struct project_check {
  static constexpr bool value = requires(const C& c, typename C::table& table, const E& event, const metadata& meta) {
    { c.project(table, event, meta) } -> std::same_as<void>;
  };
  static constexpr bool found() {
    if constexpr (requires(const C& c, typename C::table& table, const E& event, const metadata& meta) {
                    c.project(table, event, meta);
                  }) {
      return true;
    } else {
      return project_takes<C, E>;
    }
  }
  static_assert(found(),
                "tyto: an event in the projection's list of events has no project; write "
                "`static void project(table&, const YourEvent&, const tyto::metadata&)`");
  static_assert(value || !found(),
                "tyto: a project of the projection has another form; write "
                "`static void project(table&, const YourEvent&, const tyto::metadata&)`");
};

template <class C, class E>
concept projects_plainly = requires(const C& c, typename C::table& table, E& event, const metadata& meta) {
  c.project(table, {event}, meta);
};

template <class C, class List>
struct projection_check;
template <class C, class... Es>
struct projection_check<C, events<Es...>> {
  enum : bool { complete = (project_check<C, Es>::value && ...) };
  enum : bool { keyed = keys_check<C, events<Es...>>::value };
  static constexpr bool listed = [] {
    if constexpr ((projects_plainly<C, Es> && ...)) {
      return !takes_unlisted<calls_project, events<Es...>, const C&, typename C::table&, the_event, const metadata&>();
    } else {
      return true;
    }
  }();
  static_assert(listed,
                "tyto: a project of the projection is for an event that is not in its list; write "
                "`using events = tyto::events<..., YourEvent>`");
  static constexpr bool begins = !has_from<C>;
  static_assert(begins, "tyto: `from` of the projection has no effect; a projection begins at the first event");
  static constexpr bool replaced = !has_replaces<C> || replaces_another<C>;
  static_assert(replaced,
                "tyto: the replaces of the projection has another form; write `using replaces = other_projection`");
  static constexpr bool sends_nothing = !has_on_rejected<C>;
  static_assert(sends_nothing, "tyto: `on_rejected` of the projection has no effect; a projection sends no commands");
  static constexpr bool value = complete && listed && keyed && begins && replaced && sends_nothing;
};

/// Says at compile time what is wrong with the reaction R of the events List; returns whether nothing is.
template <class R, class List>
constexpr bool check_reaction() {
  constexpr bool list = check_list_of_events<R>();
  if constexpr (list && event_list<List>::size > 0) {
    constexpr bool consumer = check_consumer<R, List>();
    constexpr bool category = check_category<R>();
    constexpr bool reaction = reaction_check<R, List>::value;
    return consumer && category && reaction;
  } else {
    return false;
  }
}

/// The same for the projection P.
template <class P, class List>
constexpr bool check_projection() {
  constexpr bool list = check_list_of_events<P>();
  constexpr bool has_table = requires { typename P::table; };
  static_assert(has_table, "tyto: a projection has rows; write `using table = tyto::table<Key, Row>`");
  if constexpr (list && has_table && event_list<List>::size > 0) {
    constexpr bool consumer = check_consumer<P, List>();
    constexpr bool category = check_category<P>();
    constexpr bool projection = projection_check<P, List>::value;
    return consumer && category && projection;
  } else {
    return false;
  }
}

}  // namespace detail
}  // namespace tyto

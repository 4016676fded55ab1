// Finds members of a user's class that have the name of one that Tyto looks for, but another form: they would be passed
// over without a word. What is found here becomes a compile error in the checks of aggregates and consumers.
#pragma once

#include <concepts>
#include <string_view>
#include <type_traits>
#include <utility>

#include "tyto/event.hpp"

namespace tyto::detail {

/// An argument for any parameter.
struct anything {
  template <class T>
  operator T&() const;
};

/// An event that no program has: only a template takes it.
struct stranger {
  friend constexpr std::string_view tyto_stored_name(std::type_identity<stranger>) { return "tyto.stranger"; }
};

template <class T>
consteval unsigned hash_of() {
  unsigned hash = 2'166'136'261;
  for (const char c : std::string_view{__PRETTY_FUNCTION__}) hash = (hash ^ static_cast<unsigned char>(c)) * 16'777'619;
  hash = (hash ^ hash >> 16) * 2'246'822'507;  // so that a difference in one letter reaches every bit
  return hash ^ hash >> 13;
}

/// An argument for a parameter of any event type that is not in List, and in whose hash `bit` is `is_set`.
struct any_bit;
template <unsigned Bit, bool IsSet>
struct hash_bit;
template <class T, class Which>
inline constexpr bool is_hashed_to = true;
template <class T, unsigned Bit, bool IsSet>
inline constexpr bool is_hashed_to<T, hash_bit<Bit, IsSet>> = (hash_of<T>() >> Bit) % 2 == IsSet;

template <class List, class Which = any_bit>
struct unlisted;
template <class... Es, class Which>
struct unlisted<events<Es...>, Which> {
  template <event T>
  requires((!std::same_as<T, Es> && ...) && is_hashed_to<T, Which>) operator T() const;
};

/// Stands for the event in a list of arguments.
struct the_event;

template <class Call, class E, class... Arguments>
concept callable_with = std::invocable<Call, std::conditional_t<std::same_as<Arguments, the_event>, E, Arguments>...>;

/// Whether Call, one of the types that TYTO_DETAIL_MEMBER makes, takes an event that is not in List, besides those that
/// are. Several overloads for such events are ambiguous, and look like none, so they are looked for by halves.
template <class Call, class List, class C, class... Arguments>
constexpr bool takes_unlisted() {
  if constexpr (Call::template has_one<std::remove_cvref_t<C>> || callable_with<Call, stranger, C, Arguments...>) {
    return false;
  } else {
    constexpr auto in_half = []<unsigned... Bit>(std::integer_sequence<unsigned, Bit...>) {
      return ((callable_with<Call, unlisted<List, hash_bit<Bit, true>>, C, Arguments...> ||
               callable_with<Call, unlisted<List, hash_bit<Bit, false>>, C, Arguments...>) ||
              ...);
    };
    return callable_with<Call, unlisted<List>, C, Arguments...> ||
           in_half(std::integer_sequence<unsigned, 0, 1, 2, 3, 4, 5>{});
  }
}

template <class C>
struct derived_from : C {};

}  // namespace tyto::detail

#define TYTO_DETAIL_VALID(...) (requires { __VA_ARGS__; })
#define TYTO_DETAIL_CALL(...) (requires(C & c, E & e, anything a) { __VA_ARGS__; })

/// Makes, for members called `name` of a class C:
///   has_name<C>: whether there is one, of whatever kind, form and access. A class whose own name it is has none.
///   is_value_name<C>: whether it is a constant or a static variable.
///   calls_name: calls it with an object and arguments; has_one<C>: whether it is one function, not several.
///   name_takes<C, E>: whether it is a function, but no template, that takes an E and whatever else in some order. In
///   braces an argument suits no template, whose body would be compiled in search of its return type.
#define TYTO_DETAIL_MEMBER(name)                                                                                       \
  struct name##_member {                                                                                               \
    int name;                                                                                                          \
  };                                                                                                                   \
  template <class C>                                                                                                   \
  struct with_##name : C, name##_member {};                                                                            \
  template <class C>                                                                                                   \
  concept is_ambiguous_##name = !TYTO_DETAIL_VALID(&with_##name<C>::name);                                             \
  template <class C>                                                                                                   \
  concept is_class_##name = std::is_base_of_v<typename derived_from<C>::name, C>;                                      \
  template <class C>                                                                                                   \
  concept is_member_##name =                                                                                           \
      TYTO_DETAIL_VALID(&C::name) || TYTO_DETAIL_VALID(C::name) || TYTO_DETAIL_VALID(typename C::name);                \
  template <class C>                                                                                                   \
  constexpr bool finds_##name() {                                                                                      \
    if constexpr (std::is_final_v<C>) {                                                                                \
      return is_member_##name<C>;                                                                                      \
    } else {                                                                                                           \
      return is_ambiguous_##name<C> && !is_class_##name<C>;                                                            \
    }                                                                                                                  \
  }                                                                                                                    \
  template <class C>                                                                                                   \
  concept has_##name = finds_##name<C>();                                                                              \
  template <class C>                                                                                                   \
  concept is_value_##name =                                                                                            \
      TYTO_DETAIL_VALID(C::name) && !TYTO_DETAIL_VALID(requires std::is_member_pointer_v<decltype(&C::name)>);         \
  struct calls_##name {                                                                                                \
    template <class C>                                                                                                 \
    static constexpr bool has_one = TYTO_DETAIL_VALID(typename std::type_identity<decltype(&C::name)>);                \
    template <class C, class... Arguments>                                                                             \
    auto operator()(C& c, Arguments&&... arguments) const -> decltype(c.name(static_cast<Arguments&&>(arguments)...)); \
  };                                                                                                                   \
  template <class C, class E>                                                                                          \
  concept name##_takes = (TYTO_DETAIL_CALL(c.name({e})) && TYTO_DETAIL_CALL(c.name(e))) ||                             \
                         (TYTO_DETAIL_CALL(c.name({e}, a)) && TYTO_DETAIL_CALL(c.name(e, a))) ||                       \
                         (TYTO_DETAIL_CALL(c.name(a, {e})) && TYTO_DETAIL_CALL(c.name(a, e))) ||                       \
                         (TYTO_DETAIL_CALL(c.name({e}, a, a)) && TYTO_DETAIL_CALL(c.name(e, a, a))) ||                 \
                         (TYTO_DETAIL_CALL(c.name(a, {e}, a)) && TYTO_DETAIL_CALL(c.name(a, e, a))) ||                 \
                         (TYTO_DETAIL_CALL(c.name(a, a, {e})) && TYTO_DETAIL_CALL(c.name(a, a, e)));

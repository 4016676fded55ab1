// Which types can be stored: as a field of an event, of a state with snapshots or of a row, and as a row's key. What
// has been stored is read back equal to what it was. docs/storable-types.md is the whole list.
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <ranges>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace tyto {

class encoder;
class decoder;

namespace detail {

class write_inspector;
class read_inspector;

/// An argument for a parameter of type T&, and one for any other that a T would be converted to.
template <class T>
struct as_itself {
  template <class Parameter>
  requires std::same_as<Parameter, T>
  operator Parameter&() const;
};
template <class T>
struct as_another {
  template <class Parameter>
  requires(!std::same_as<Parameter, T> && std::convertible_to<T&, Parameter&>) operator Parameter&() const;
};

template <class T, class Argument>
concept inspected_as = requires(write_inspector& w, read_inspector& r, Argument x) {
  inspect(w, x);
  inspect(r, x);
};

/// A type with an inspect() of its own. A base's, or that of what it refers to, would leave out what the type adds.
template <class T>
concept inspectable = inspected_as<T, T&> &&
    (inspected_as<T, const as_itself<T>&> || !inspected_as<T, const as_another<T>&>);

/// A type that writes and reads itself, as one MessagePack value that is not nil.
template <class T>
concept self_coded = requires(const T& written, T& read, encoder& out, decoder& in) {
  written.encode_to(out);
  { read.decode_from(in) } -> std::same_as<bool>;
};

template <class T>
struct is_optional : std::false_type {};
template <class T>
struct is_optional<std::optional<T>> : std::true_type {};

template <class T>
struct is_duration : std::false_type {};
template <class R, class P>
struct is_duration<std::chrono::duration<R, P>> : std::true_type {};

template <class T>
struct is_time_point : std::false_type {};
template <class C, class D>
struct is_time_point<std::chrono::time_point<C, D>> : std::true_type {};

template <class T>
concept byte_string = std::same_as<T, std::vector<std::byte>>;

template <class T>
concept map_like = std::ranges::range<T> && requires(T t, typename T::key_type k, typename T::mapped_type v) {
  t.insert_or_assign(std::move(k), std::move(v));
};

template <class T>
concept set_like = std::ranges::range<T> && !map_like<T> && requires(T t, typename T::key_type k) {
  t.insert(std::move(k));
};

template <class T>
concept sequence_like = std::ranges::range<T> && requires(T t, typename T::value_type v) {
  t.push_back(std::move(v));
};

/// An aggregate that is derived from a container and adds members to it, which would be lost with the elements.
struct any_member {
  template <class T>
  operator T() const;
};
template <class T>
concept extends_container = std::is_aggregate_v<T> && requires {
  T{{}, any_member{}};
};

template <class T>
concept tuple_like = requires {
  std::tuple_size<T>::value;
};

/// An integer of at most 64 bits, or bool. A char is none: it is a letter, and has a sign on some machines.
template <class T>
concept plain_integer = std::integral<T> && sizeof(T) <= sizeof(std::uint64_t) && !std::is_const_v<T> &&
                        !std::same_as<T, char> && !std::same_as<T, wchar_t> && !std::same_as<T, char8_t> &&
                        !std::same_as<T, char16_t> && !std::same_as<T, char32_t>;

/// A clock whose times mean something to another run of the program.
template <class Clock>
concept lasting_clock = !requires {
  requires Clock::is_steady;
};

/// Whether each element of the pair, tuple or array T satisfies `holds(std::type_identity<Element>)`.
template <class T, class Predicate>
consteval bool all_elements(Predicate holds) {
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    return (holds(std::type_identity<std::tuple_element_t<I, T>>{}) && ...);
  }
  (std::make_index_sequence<std::tuple_size_v<T>>{});
}

// In the order in which encode() and decode() look at a type.
template <class T>
consteval bool is_storable() {
  if constexpr (std::is_volatile_v<T>) {  // NOLINT(bugprone-branch-clone): in order
    return false;
  } else if constexpr (std::is_enum_v<T>) {
    return is_storable<std::underlying_type_t<T>>();
  } else if constexpr (std::is_arithmetic_v<T> || std::integral<T>) {
    return plain_integer<T> || std::same_as<T, float> || std::same_as<T, double>;
  } else if constexpr (std::same_as<T, std::string> || byte_string<T>) {  // NOLINT(bugprone-branch-clone): in order
    return true;
  } else if constexpr (is_optional<T>::value) {
    return !is_optional<typename T::value_type>::value && is_storable<typename T::value_type>();
  } else if constexpr (is_duration<T>::value) {
    return is_storable<typename T::rep>();
  } else if constexpr (is_time_point<T>::value) {
    return lasting_clock<typename T::clock> && is_storable<typename T::duration>();
  } else if constexpr (self_coded<T> || inspectable<T>) {
    return true;
  } else if constexpr (std::ranges::range<T> && extends_container<T> && !tuple_like<T>) {
    return false;
  } else if constexpr (map_like<T>) {
    return is_storable<typename T::key_type>() && is_storable<typename T::mapped_type>();
  } else if constexpr (set_like<T>) {
    return is_storable<typename T::key_type>();
  } else if constexpr (sequence_like<T>) {
    return is_storable<typename T::value_type>();
  } else if constexpr (tuple_like<T>) {
    return all_elements<T>([]<class E>(std::type_identity<E>) { return is_storable<E>(); });
  } else {
    return false;
  }
}

template <class T>
consteval bool is_row_key() {
  if constexpr (std::is_enum_v<T>) {
    return is_row_key<std::underlying_type_t<T>>();
  } else if constexpr (is_duration<T>::value) {
    return plain_integer<typename T::rep>;
  } else if constexpr (is_time_point<T>::value) {
    return lasting_clock<typename T::clock> && is_row_key<typename T::duration>();
  } else if constexpr (tuple_like<T>) {
    return all_elements<T>([]<class E>(std::type_identity<E>) { return is_row_key<E>(); });
  } else {
    return plain_integer<T> || std::same_as<T, std::string>;
  }
}

}  // namespace detail

/// A type whose values can be stored and are read back as they were. Ask only where all TYTO_VALUEs have been seen: the
/// compiler remembers the first answer.
template <class T>
concept storable = detail::is_storable<T>();

/// A type that can be the key of a table, or the order of an index.
template <class T>
concept row_key_type = detail::is_row_key<T>();

}  // namespace tyto

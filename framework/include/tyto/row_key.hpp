// Typed keys of rows as bytes that sort like the keys do: integers and times big-endian, strings escaped and
// terminated, tuples one part after the other.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "tyto/storable.hpp"

#define TYTO_DETAIL_NO_ROW_KEY                                                                                    \
  "tyto: a key of rows is of a type that has an order in bytes: an integer, an enum, a std::string, a duration, " \
  "a point in time, or a pair, tuple or array of such"

namespace tyto {

namespace detail {

void put_key_integer(std::string& out, std::uint64_t value, std::size_t bytes);
void put_key_string(std::string& out, std::string_view value);
bool get_key_integer(std::string_view& in, std::uint64_t& value, std::size_t bytes);
bool get_key_string(std::string_view& in, std::string& value);
std::string without_string_end(std::string key);

template <class T>
constexpr std::uint64_t sign_bit() {
  return std::is_signed_v<T> ? std::uint64_t{1} << (sizeof(T) * 8 - 1) : 0;
}

template <class K>
void put_key(std::string& out, const K& key) {
  if constexpr (std::is_enum_v<K>) {
    put_key(out, static_cast<std::underlying_type_t<K>>(key));
  } else if constexpr (is_duration<K>::value) {
    put_key(out, key.count());
  } else if constexpr (is_time_point<K>::value) {
    put_key(out, key.time_since_epoch());
  } else if constexpr (std::integral<K>) {
    using bits = std::make_unsigned_t<std::conditional_t<std::same_as<K, bool>, unsigned char, K>>;
    put_key_integer(out, static_cast<bits>(key) ^ sign_bit<K>(), sizeof(K));
  } else if constexpr (std::convertible_to<const K&, std::string_view>) {
    put_key_string(out, key);
  } else {
    std::apply([&out](const auto&... part) { (put_key(out, part), ...); }, key);
  }
}

template <class K>
bool get_key(std::string_view& in, K& key) {
  if constexpr (std::is_enum_v<K>) {
    std::underlying_type_t<K> number{};
    if (!get_key(in, number)) return false;
    key = static_cast<K>(number);
    return true;
  } else if constexpr (is_duration<K>::value) {
    typename K::rep count{};
    if (!get_key(in, count)) return false;
    key = K{count};
    return true;
  } else if constexpr (is_time_point<K>::value) {
    typename K::duration since_epoch{};
    if (!get_key(in, since_epoch)) return false;
    key = K{since_epoch};
    return true;
  } else if constexpr (std::integral<K>) {
    std::uint64_t number = 0;
    if (!get_key_integer(in, number, sizeof(K))) return false;
    key = static_cast<K>(number ^ sign_bit<K>());
    return true;
  } else if constexpr (std::same_as<K, std::string>) {
    return get_key_string(in, key);
  } else if constexpr (tuple_like<K>) {
    return std::apply([&in](auto&... part) { return (get_key(in, part) && ...); }, key);
  } else {
    return false;  // to_row_key() has said that there is no such key
  }
}

/// Appends what the bytes of K's keys are, in words: two types of one form have the same keys.
template <class K>
void describe_key(std::string& out) {
  if constexpr (std::is_enum_v<K>) {
    describe_key<std::underlying_type_t<K>>(out);
  } else if constexpr (is_duration<K>::value) {
    describe_key<typename K::rep>(out);
    out += " of " + std::to_string(K::period::num) + "/" + std::to_string(K::period::den) + " s";
  } else if constexpr (is_time_point<K>::value) {
    out += "time, ";
    describe_key<typename K::duration>(out);
  } else if constexpr (std::integral<K>) {
    out += (std::is_signed_v<K> ? "i" : "u") + std::to_string(sizeof(K) * 8);
  } else if constexpr (tuple_like<K>) {
    out += '(';
    [&out]<std::size_t... I>(std::index_sequence<I...>) {
      ((out += I == 0 ? "" : ", ", describe_key<std::tuple_element_t<I, K>>(out)), ...);
    }
    (std::make_index_sequence<std::tuple_size_v<K>>{});
    out += ')';
  } else {
    out += "string";
  }
}

/// Appends the first of K's elements, each converted to its type.
template <class K, class... Parts>
void put_first_parts(std::string& out, const Parts&... parts) {
  constexpr bool fit = sizeof...(Parts) <= std::tuple_size_v<K>;
  static_assert(fit, "tyto: the key has not so many parts");
  if constexpr (fit) {
    const auto put = [&out]<std::size_t... I>(std::index_sequence<I...>, const auto&... each) {
      (put_key<std::tuple_element_t<I, K>>(out, each), ...);
    };
    put(std::index_sequence_for<Parts...>{}, parts...);
  }
}

}  // namespace detail

/// Returns `key`, a row_key_type or text, as bytes in the order of the keys.
template <class K>
std::string to_row_key(const K& key) {
  constexpr bool sorts = row_key_type<K> || std::convertible_to<const K&, std::string_view>;
  static_assert(sorts, TYTO_DETAIL_NO_ROW_KEY);
  std::string bytes;
  if constexpr (sorts) detail::put_key(bytes, key);
  return bytes;
}

/// Reads back what to_row_key() made; returns false if `bytes` are something else.
template <class K>
bool from_row_key(std::string_view bytes, K& key) {
  return detail::get_key(bytes, key) && bytes.empty();
}

/// Returns the bytes with which all keys of type K begin whose first elements are `parts`; a K that is no pair or tuple
/// counts as one element.
template <class K, class... Parts>
std::string to_row_key_parts(const Parts&... parts) {
  if constexpr (detail::tuple_like<K>) {
    std::string bytes;
    detail::put_first_parts<K>(bytes, parts...);
    return bytes;
  } else {
    constexpr bool is_one = sizeof...(Parts) == 1;
    static_assert(is_one, "tyto: the key has one part");
    if constexpr (is_one) {
      return to_row_key<K>(parts...);
    } else {
      return {};
    }
  }
}

/// Returns the bytes with which all keys of type K begin that begin with `parts`: for a string its first characters,
/// for a pair or tuple its first elements.
template <class K, class... Parts>
std::string to_row_key_prefix(const Parts&... parts) {
  if constexpr (std::same_as<K, std::string>) {
    return detail::without_string_end(to_row_key_parts<K>(parts...));
  } else {
    constexpr bool has_parts = detail::tuple_like<K>;
    static_assert(has_parts, "tyto: only strings, pairs and tuples have a prefix");
    if constexpr (has_parts) {
      return to_row_key_parts<K>(parts...);
    } else {
      return {};
    }
  }
}

/// Returns the least bytes that are greater than all that begin with `prefix`; empty if there are none.
std::string after_prefix(std::string prefix);

}  // namespace tyto

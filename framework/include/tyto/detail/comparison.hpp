// Compares what a test expects with what came, and shows both: the half of tyto/testing that is no interface.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <functional>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "tyto/codec.hpp"
#include "tyto/command.hpp"
#include "tyto/decision.hpp"
#include "tyto/detail/comparable_bytes.hpp"
#include "tyto/detail/type_name.hpp"
#include "tyto/detail/value_comparison.hpp"
#include "tyto/event.hpp"

namespace tyto::detail {

/// One thing that is expected or came: an event, a command, a row.
struct compared_item {
  std::string title;
  std::string fields;  // MessagePack; empty: there are none, or they are not known
};

/// Whether what is expected at one place is what came at another.
using equal_items = std::function<bool(std::size_t expected, std::size_t came)>;
inline bool never_equal(std::size_t, std::size_t) { return false; }

/// Returns both lists, with a mark before each item that differs and before each of its fields that does; empty if the
/// lists are equal. Of what is long the beginning is there, or what is next to a difference.
std::string difference(const std::vector<compared_item>& expected, const std::vector<compared_item>& came,
                       const equal_items& equal);

compared_item item_of(const rejection& no);
/// A rejection of which only the code is expected.
compared_item item_of_code(std::string_view code);
compared_item item_of(const outgoing_command& sent);

template <event E>
compared_item item_of(const E& e) {
  return {std::string{stored_name<E>}, comparable_bytes(e)};
}
template <class... Es>
compared_item item_of(const std::variant<Es...>& event) {
  return std::visit([](const auto& e) { return item_of(e); }, event);
}

template <class T>
std::vector<compared_item> items_of(const std::vector<T>& all) {
  std::vector<compared_item> items;
  std::ranges::transform(all, std::back_inserter(items), [](const auto& each) { return item_of(each); });
  return items;
}

/// A value that a test looks at, and the name of what it is.
template <class T>
compared_item item_named(std::string title, const T& value) {
  if constexpr (storable<T>) {
    return {std::move(title), comparable_bytes(value)};
  } else {
    return {std::move(title) + " of the type " + std::string{type_name<T>()}, {}};
  }
}

/// Returns how the key of a row, which is MessagePack, is shown.
std::string title_of_row(std::string_view key);
template <class Value>
compared_item item_of_row(std::string_view key, const Value& value) {
  return {title_of_row(key), comparable_bytes(value)};
}

/// Whether values of T can be compared.
template <class T>
concept comparable = storable<T> || std::equality_comparable<T>;

/// Whether two values are equal, see value_comparison. Where that cannot be told, they are not, and `unseen` says why.
template <comparable T>
bool are_equal(const T& one, const T& other, std::string& unseen) {
  if constexpr (!storable<T>) {
    return one == other;
  } else {
    value_comparison both;
    if (!both.equal(one, other)) return false;
    if (!both.unseen().empty()) unseen = both.unseen();
    return both.unseen().empty();
  }
}

/// Whether two events are equal as far as can be seen: what cannot is a problem of the scenario's journal.
template <class... Es>
bool are_equal_events(const std::variant<Es...>& one, const std::variant<Es...>& other) {
  return one.index() == other.index() &&
         std::visit([&other]<class E>(const E& e) { return value_comparison{}.equal(e, std::get<E>(other)); }, one);
}

template <class Event>
std::string difference_of_events(const std::vector<Event>& expected, const std::vector<Event>& came) {
  return difference(items_of(expected), items_of(came),
                    [&](std::size_t i, std::size_t j) { return are_equal_events(expected[i], came[j]); });
}

/// Says too which commands cannot be compared.
std::string difference_of_commands(const commands& expected, const commands& came);

/// Returns the texts that are not empty, a line each.
std::string joined(std::string_view first, std::string_view second);

template <class T>
std::string difference_of_values(const std::string& title, const T& expected, const T& came) {
  std::string unseen;
  const auto text = difference({item_named(title, expected)}, {item_named(title, came)},
                               [&](std::size_t, std::size_t) { return are_equal(expected, came, unseen); });
  return joined(text, unseen);
}

}  // namespace tyto::detail

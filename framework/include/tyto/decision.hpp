// What an aggregate says to a command: events, nothing, or a rejection.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "tyto/event.hpp"

namespace tyto {

namespace detail {
inline constexpr std::string_view no_fields = "\x80";  // an empty map in MessagePack
}

/// The domain's "no" to a command: a reason for people, and for the caller's code what was refused, so that nobody has
/// to parse a sentence. Not an error: nothing has failed.
struct rejection {
  std::string reason = {};
  std::string code = {};  // the stored name of a refusal's type, or one that the domain chose; empty: none
  std::string data = {};  // the refusal's fields, as a MessagePack map; empty: it has none

  /// Returns the refusal if it is a T: `no.as<overdrawn>()`.
  template <event T>
  [[nodiscard]] std::optional<T> as() const {
    if (code != stored_name<T>) return std::nullopt;
    auto refused = from_bytes<T>(data.empty() ? detail::no_fields : std::string_view{data});
    return refused ? std::optional<T>{*std::move(refused)} : std::nullopt;
  }

  friend bool operator==(const rejection&, const rejection&) = default;
};

/// Returns a decision against the command: `return tyto::reject("the order is complete");`
inline rejection reject(std::string reason) { return {std::move(reason)}; }

/// The same with a refusal that the caller's code can look at: a struct of the domain's with a stored name, see
/// TYTO_REJECTION. `return tyto::reject(overdrawn{s.cents}, "the account holds too little");`
template <event T>
rejection reject(const T& refusal, std::string reason) {
  auto data = to_bytes(refusal);
  if (data == detail::no_fields) data.clear();
  return {std::move(reason), std::string{stored_name<T>}, std::move(data)};
}

/// A decision that there is nothing to do: the command is fine and changes nothing.
struct nothing_t {};
inline constexpr nothing_t nothing{};

/// The outcome of decide(). `Event` is the aggregate's variant of events; all events of a decision are stored together
/// or not at all.
template <class Event>
class decision {
 public:
  decision(nothing_t) {}
  decision(rejection no) : content_(std::in_place_index<no_event>, std::move(no)) {}
  template <class E>
  requires std::constructible_from<Event, E&&> decision(E&& event)
      : content_(std::in_place_index<one_event>, std::forward<E>(event)) {}
  decision(std::initializer_list<Event> events) : content_(std::in_place_index<many_events>, events) {}
  decision(std::vector<Event> events) : content_(std::in_place_index<many_events>, std::move(events)) {}

  /// The rejection, or nullptr.
  [[nodiscard]] const rejection* rejected() const { return std::get_if<no_event>(&content_); }
  /// The events; none if the command was rejected or changes nothing.
  [[nodiscard]] std::vector<Event> events() && {
    std::vector<Event> all;
    if (auto* list = std::get_if<many_events>(&content_)) all = std::move(*list);
    if (auto* event = std::get_if<one_event>(&content_)) all.push_back(std::move(*event));
    return all;
  }
  /// Calls `take(Event&)` with each of them, without making a list.
  template <class Take>
  void for_each_event(Take take) && {
    if (auto* list = std::get_if<many_events>(&content_)) std::ranges::for_each(*list, take);
    if (auto* event = std::get_if<one_event>(&content_)) take(*event);
  }

 private:
  static constexpr std::size_t many_events = 0;
  static constexpr std::size_t one_event = 1;
  static constexpr std::size_t no_event = 2;
  std::variant<std::vector<Event>, Event, rejection> content_;
};

}  // namespace tyto

// Events: plain structs with a stored name and named fields, and the envelope in which they travel. Aggregates make
// them, stores keep them, consumers get them.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include "tyto/codec.hpp"
#include "tyto/detail/fields.hpp"
#include "tyto/metadata.hpp"

/// Names the fields of the struct `Type`, in the struct's own namespace, so that it can be part of an event:
///     TYTO_VALUE(order_line, stock_code, quantity)
/// All fields are listed once, in any order; one that is left out, listed twice, or of a type that cannot be stored, is
/// a compile error.
/// It stands for an inspect() that a user may write by hand, to leave a field out, or for the defaults of missing
/// fields:
///     template <class Inspector> bool inspect(Inspector& f, order_line& x) {
///       return f.object(x).fields(f.field("stock_code", x.stock_code), f.field("quantity", x.quantity).fallback(1));
///     }
#define TYTO_VALUE(Type, ...)                                                                    \
  static_assert(!tyto::detail::has_more_fields<Type, tyto::detail::count_names(#__VA_ARGS__)>(), \
                "tyto: a field of `" #Type                                                       \
                "` is not listed, so it would not be stored; list it, or write inspect() "       \
                "by hand to leave it out");                                                      \
  static_assert(!tyto::detail::has_name_twice(#__VA_ARGS__),                                     \
                "tyto: a field of `" #Type "` is listed twice; list each once");                 \
  template <class Asked>                                                                         \
  [[maybe_unused]] constexpr bool tyto_stores_fields(std::type_identity<Type>, Asked) {          \
    bool are_storable = true;                                                                    \
    TYTO_DETAIL_FIELD_CHECKS(Type __VA_OPT__(, ) __VA_ARGS__)                                    \
    return are_storable;                                                                         \
  }                                                                                              \
  template <class Inspector>                                                                     \
  [[maybe_unused]] bool inspect(Inspector& f, Type& x) {                                         \
    if constexpr (tyto_stores_fields(std::type_identity<Type>{},                                 \
                                     typename tyto::detail::asked_later<Inspector>::type{})) {   \
      return f.object(x).fields(TYTO_DETAIL_FIELDS(f, x __VA_OPT__(, ) __VA_ARGS__));            \
    } else {                                                                                     \
      return false;                                                                              \
    }                                                                                            \
  }

/// Makes the struct `Type` an event. The stored name and the names of the fields are its form on disk:
///     TYTO_EVENT(order_created, "order.created", customer, lines)
#define TYTO_EVENT(Type, stored_name, ...) \
  TYTO_EVENT_NAME(Type, stored_name)       \
  TYTO_VALUE(Type __VA_OPT__(, ) __VA_ARGS__)

/// Makes the struct `Type` a refusal, which a rejection may carry beside its reason (see reject()). It is written like
/// an event and stored like one, but is none:
///     TYTO_REJECTION(overdrawn, "account.overdrawn", cents)
#define TYTO_REJECTION(Type, stored_name, ...) TYTO_EVENT(Type, stored_name __VA_OPT__(, ) __VA_ARGS__)

/// Gives `Type` its stored name alone, for a struct with an inspect() of its own.
#define TYTO_EVENT_NAME(Type, stored_name) \
  [[maybe_unused]] constexpr std::string_view tyto_stored_name(std::type_identity<Type>) { return stored_name; }

namespace tyto {

/// A type with a stored name.
template <class T>
concept event = requires {
  { tyto_stored_name(std::type_identity<T>{}) } -> std::convertible_to<std::string_view>;
};

/// The name under which events of type E are stored.
template <event E>
inline constexpr std::string_view stored_name = tyto_stored_name(std::type_identity<E>{});

/// The version of E's fields: its static member `schema_version`, or 1.
template <event E>
constexpr std::uint32_t schema_version_of() {
  if constexpr (requires { E::schema_version; }) {
    return E::schema_version;
  } else {
    return 1;
  }
}

/// What the runtime knows of one event type. There is one object for each type in a program, so addresses compare.
struct event_type {
  std::string_view name;
  std::uint32_t schema_version;
  result<std::shared_ptr<const void>> (*decode)(std::string_view payload);
};

/// Returns the description of E.
template <event E>
const event_type& type_of() {
  static const event_type type{stored_name<E>, schema_version_of<E>(),
                               [](std::string_view payload) -> result<std::shared_ptr<const void>> {
                                 auto value = std::make_shared<E>();
                                 if (auto read = from_bytes(payload, *value); !read) return std::move(read).error();
                                 return std::shared_ptr<const void>{std::move(value)};
                               }};
  return type;
}

/// The type under which a stored event is shown whose type was retired (see upcasting.hpp): it keeps its position, its
/// sequence number and its command id, and nobody handles it.
inline constexpr std::string_view retired_type = "tyto.retired";

/// An event as it lies in a store, lent for the time of a visit.
struct event_view {
  const metadata& meta;
  std::string_view payload;  // MessagePack
};

/// An event that is on its way into the journal or has come out of it.
struct recorded_event {
  metadata meta;
  std::string payload;  // MessagePack

  // The decoded event and its type, while it is at hand; null for events that were read back.
  std::shared_ptr<const void> value;
  const event_type* type = nullptr;
};

/// Returns the event in `recorded`, which must have the stored name of E: decodes it unless it is at hand.
template <event E>
result<std::shared_ptr<const E>> event_cast(const recorded_event& recorded) {
  if (recorded.type == &type_of<E>()) return std::static_pointer_cast<const E>(recorded.value);
  auto value = type_of<E>().decode(recorded.payload);
  if (!value) {
    return error{errc::undecodable, "reading the event at position " + std::to_string(recorded.meta.position) + " (" +
                                        recorded.meta.persistence_id + ", " + recorded.meta.type + ")"}
        .because(std::move(value).error());
  }
  return std::static_pointer_cast<const E>(*std::move(value));
}

namespace detail {

/// Returns the event in `recorded` as a variant of its type and others.
template <class... Es>
result<std::variant<Es...>> event_of(const std::variant<Es...>*, const recorded_event& recorded) {
  using variant = std::variant<Es...>;
  result<variant> found = error{errc::unknown_event_type,
                                "reading the event at position " + std::to_string(recorded.meta.position) + " (" +
                                    recorded.meta.persistence_id + ")",
                                "'" + recorded.meta.type + "' is none of the types asked for"};
  const auto take = [&]<class E>(std::type_identity<E>) {
    if (recorded.meta.type != stored_name<E>) return false;
    auto event = event_cast<E>(recorded);
    found = event ? result<variant>{variant{**event}} : result<variant>{std::move(event).error()};
    return true;
  };
  (void)(take(std::type_identity<Es>{}) || ...);
  return found;
}

}  // namespace detail

/// A list of event types: `using events = tyto::events<order_created, order_completed>;`
template <class... Es>
struct events {};

namespace detail {

/// Says which field of T cannot be stored, where TYTO_VALUE has listed them; returns whether there is none.
template <class T>
constexpr bool stores_fields() {
  if constexpr (requires { tyto_stores_fields(std::type_identity<T>{}, when_needed{}); }) {
    return tyto_stores_fields(std::type_identity<T>{}, when_needed{});
  } else {
    return true;
  }
}

template <class List>
struct event_list;
template <class... Es>
struct event_list<events<Es...>> {
  static constexpr std::size_t size = sizeof...(Es);
  static constexpr bool all_named = (event<Es> && ...);
  static constexpr bool names_differ() {
    const std::array<std::string_view, size> names = {tyto_stored_name(std::type_identity<Es>{})...};
    for (std::size_t i = 0; i < size; ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        if (names[i] == names[j]) return false;
      }
    }
    return true;
  }
  template <class Visit>
  static void for_each(Visit visit) {
    (visit(std::type_identity<Es>{}), ...);
  }
};

}  // namespace detail
}  // namespace tyto

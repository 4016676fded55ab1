// The inner half of TYTO_VALUE and TYTO_EVENT: turns a list of members into a list of inspected fields, and checks that
// each is there once and can be stored. The preprocessor rescans up to 256 times, which bounds the number of fields.
#pragma once

#include <cstddef>
#include <exception>
#include <string_view>
#include <type_traits>
#include <utility>

#include "tyto/storable.hpp"

#define TYTO_DETAIL_PARENS ()
#define TYTO_DETAIL_EXPAND(...) \
  TYTO_DETAIL_EXPAND_3(TYTO_DETAIL_EXPAND_3(TYTO_DETAIL_EXPAND_3(TYTO_DETAIL_EXPAND_3(__VA_ARGS__))))
#define TYTO_DETAIL_EXPAND_3(...) \
  TYTO_DETAIL_EXPAND_2(TYTO_DETAIL_EXPAND_2(TYTO_DETAIL_EXPAND_2(TYTO_DETAIL_EXPAND_2(__VA_ARGS__))))
#define TYTO_DETAIL_EXPAND_2(...) \
  TYTO_DETAIL_EXPAND_1(TYTO_DETAIL_EXPAND_1(TYTO_DETAIL_EXPAND_1(TYTO_DETAIL_EXPAND_1(__VA_ARGS__))))
#define TYTO_DETAIL_EXPAND_1(...) __VA_ARGS__

#define TYTO_DETAIL_FIELDS(f, x, ...) __VA_OPT__(TYTO_DETAIL_EXPAND(TYTO_DETAIL_FIELD(f, x, __VA_ARGS__)))
#define TYTO_DETAIL_FIELD(f, x, member, ...) \
  f.field(#member, x.member) __VA_OPT__(, TYTO_DETAIL_FIELD_AGAIN TYTO_DETAIL_PARENS(f, x, __VA_ARGS__))
#define TYTO_DETAIL_FIELD_AGAIN() TYTO_DETAIL_FIELD

#define TYTO_DETAIL_FIELD_CHECKS(Type, ...) __VA_OPT__(TYTO_DETAIL_EXPAND(TYTO_DETAIL_FIELD_CHECK(Type, __VA_ARGS__)))
#define TYTO_DETAIL_FIELD_CHECK(Type, member, ...)                                            \
  static_assert(std::is_member_object_pointer_v<decltype(&Type::member)>,                     \
                "tyto: `" #member "` of `" #Type                                              \
                "` is static, so it is no field of the value; list the value's own fields");  \
  static_assert(tyto::detail::storable_field<Asked, decltype(Type::member)>,                  \
                "tyto: field `" #member "` of `" #Type                                        \
                "` cannot be stored; name the fields of its type with "                       \
                "TYTO_VALUE, or see docs/storable-types.md");                                 \
  are_storable = are_storable && tyto::detail::storable_field<Asked, decltype(Type::member)>; \
  __VA_OPT__(TYTO_DETAIL_FIELD_CHECK_AGAIN TYTO_DETAIL_PARENS(Type, __VA_ARGS__))
#define TYTO_DETAIL_FIELD_CHECK_AGAIN() TYTO_DETAIL_FIELD_CHECK

namespace tyto::detail {

/// How many names are in a list of macro arguments.
consteval std::size_t count_names(std::string_view list) {
  std::size_t names = list.empty() ? 0 : 1;
  for (const char c : list) names += c == ',' ? 1 : 0;
  return names;
}

/// Takes the first name out of a list of macro arguments.
consteval std::string_view take_name(std::string_view& list) {
  list.remove_prefix(list.find_first_not_of(' '));
  const std::size_t comma = list.find(',');
  const std::string_view name = list.substr(0, comma);
  list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
  return name.substr(0, name.find(' '));
}

/// Whether a name is twice in a list of macro arguments.
consteval bool has_name_twice(std::string_view list) {
  while (!list.empty()) {
    const std::string_view name = take_name(list);
    for (std::string_view others = list; !others.empty();) {
      if (take_name(others) == name) return true;
    }
  }
  return false;
}

/// An initialiser for any member of the aggregate Type, and none for a base. Never called; but some compilers look into
/// the constructors that would do so.
template <class Type>
struct member_of {
  template <class T>
  requires(!std::is_base_of_v<T, Type>) operator T() const& { std::terminate(); }
};

template <class Type, class... Members>
concept has_members = requires {
  Type{std::declval<Members>()...};
};

/// Whether the aggregate Type has more than `listed` members. False where the compiler does not tell: for a type with
/// constructors or private members, and one with a base that is no aggregate.
template <class Type, std::size_t Listed>
consteval bool has_more_fields() {
  if constexpr (std::is_aggregate_v<Type>) {
    return []<std::size_t... I>(std::index_sequence<I...>) {
      return has_members<Type, std::enable_if_t<(I <= Listed), member_of<Type>>...>;
    }
    (std::make_index_sequence<Listed + 1>{});
  } else {
    return false;
  }
}

/// Asks about the fields of a type when its codec is needed, not where they are named: types that are made storable
/// later in a file count. A macro's template parameter makes the question wait.
struct when_needed {};
template <class Asked, class Field>
inline constexpr bool storable_field = storable<Field>;
template <class>
struct asked_later : std::type_identity<when_needed> {};

}  // namespace tyto::detail

// Compares two values of one type part by part, and says what it cannot see of them.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "tyto/detail/comparable_bytes.hpp"
#include "tyto/detail/fields.hpp"
#include "tyto/detail/type_name.hpp"
#include "tyto/document.hpp"

namespace tyto::detail {

/// A type that knows itself what makes two of its values equal.
template <class T>
concept tells_equal = (inspectable<T> || self_coded<T>)&&std::equality_comparable<T>;

/// Values are compared by == where a struct has one, and else in the fields that its inspect() lists, and so on. Two
/// that hold a NaN in the same place, which is not even equal to itself, are equal.
///
/// Fields say nothing of members that inspect() leaves out, and little of what it makes of members while it runs: an
/// amount that it rounds is the same for many amounts.
class value_comparison {
 public:
  /// Returns whether the values are equal, as far as can be seen.
  template <class T>
  bool equal(const T& one, const T& other) {
    if constexpr (tells_equal<T>) {
      if (one == other || (!(one == one) && comparable_bytes(one) == comparable_bytes(other))) return true;
      explain(one);
      return false;
    } else if constexpr (self_coded<T>) {
      if constexpr (!std::same_as<T, document>) {
        note("`" + std::string{type_name<T>()} + "` writes itself: it cannot be compared without an operator==");
      }
      return to_bytes(one) == to_bytes(other);
    } else if constexpr (inspectable<T>) {
      return equal_in_fields(one, other);
    } else if constexpr (is_optional<T>::value) {
      return one.has_value() == other.has_value() && (!one || equal(*one, *other));
    } else if constexpr (unordered_container<T>) {
      return equal_in_order(one, other);
    } else if constexpr (container<T>) {
      return std::ranges::equal(one, other, [&](const auto& a, const auto& b) { return equal(a, b); });
    } else if constexpr (tuple_like<T>) {
      return [&]<std::size_t... I>(std::index_sequence<I...>) {
        return (equal(std::get<I>(one), std::get<I>(other)) && ...);
      }
      (std::make_index_sequence<std::tuple_size_v<T>>{});
    } else {
      return comparable_bytes(one) == comparable_bytes(other);
    }
  }

  /// What could not be seen of the values, or of those that are not equal by their ==, what may be the reason; empty:
  /// nothing.
  [[nodiscard]] const std::string& unseen() const { return unseen_; }

 private:
  // The inspector of the first value, which hands its fields on to that of the second one.
  template <class T>
  class first_of_two {
   public:
    static constexpr bool is_loading = false;
    first_of_two(value_comparison& comparison, const T& one, const T& other)
        : comparison_(comparison), one_(one), other_(other) {}

    template <class F>
    auto field(std::string_view name, F& value) const {
      return detail::field<F>{name, &value};
    }
    template <class Object>
    class fields_of {
     public:
      explicit fields_of(first_of_two& both) : both_(both) {}
      template <class... Fields>
      bool fields(const Fields&... each) {
        both_.template compare<Object>(each...);
        return true;
      }

     private:
      first_of_two& both_;
    };
    template <class Object>
    auto object(Object&) {
      return fields_of<Object>{*this};
    }
    [[nodiscard]] bool are_equal() const { return are_equal_; }

   private:
    template <class Object, class... Fields>
    void compare(const Fields&... each) {
      comparison_.note_unlisted<Object>(each...);
      (comparison_.note_made(one_, each), ...);
      second_of_two<Fields...> f{comparison_, std::tie(each...)};
      inspect(f, const_cast<T&>(other_));  // inspect() serves both directions; this only reads
      are_equal_ = f.are_equal();
    }

    value_comparison& comparison_;
    const T& one_;
    const T& other_;
    bool are_equal_ = false;
  };

  template <class... Fields>
  class second_of_two {
   public:
    static constexpr bool is_loading = false;
    second_of_two(value_comparison& comparison, std::tuple<const Fields&...> firsts)
        : comparison_(comparison), firsts_(firsts) {}

    template <class F>
    auto field(std::string_view name, F& value) const {
      return detail::field<F>{name, &value};
    }
    template <class Object>
    second_of_two& object(Object&) {
      return *this;
    }
    template <class... Others>
    bool fields(const Others&... each) {
      // An inspect() may list other fields of another value.
      if constexpr (std::same_as<std::tuple<decltype(Fields::value)...>, std::tuple<decltype(Others::value)...>>) {
        are_equal_ = std::apply(
            [&](const auto&... first) {
              return ((first.name == each.name && comparison_.equal(*first.value, *each.value)) && ...);
            },
            firsts_);
      }
      return true;
    }
    [[nodiscard]] bool are_equal() const { return are_equal_; }

   private:
    value_comparison& comparison_;
    std::tuple<const Fields&...> firsts_;
    bool are_equal_ = false;
  };

  template <class T>
  bool equal_in_fields(const T& one, const T& other) {
    first_of_two<T> f{*this, one, other};
    inspect(f, const_cast<T&>(one));
    return f.are_equal();
  }

  template <unordered_container T>
  bool equal_in_order(const T& one, const T& other) {
    const auto sorted = [](const T& all) {
      std::vector<std::pair<std::string, const typename T::value_type*>> elements;
      for (const auto& element : all) {
        if constexpr (map_like<T>) {
          elements.emplace_back(comparable_bytes(element.first), &element);
        } else {
          elements.emplace_back(comparable_bytes(element), &element);
        }
      }
      std::ranges::sort(elements);
      return elements;
    };
    return std::ranges::equal(sorted(one), sorted(other),
                              [&](const auto& a, const auto& b) { return equal(*a.second, *b.second); });
  }

  // Of a value that is not equal to another one by its ==.
  template <class T>
  void explain(const T& value) {
    if constexpr (!self_coded<T>) (void)equal_in_fields(value, value);
    note("the operator== of `" + std::string{type_name<T>()} + "` says so");
  }

  template <class Object, class... Fields>
  void note_unlisted(const Fields&... each) {
    if constexpr (has_more_fields<Object, sizeof...(Fields)>()) {
      auto text = "a field of `" + std::string{type_name<Object>()} + "` is not listed in its inspect(), which lists";
      if constexpr (sizeof...(Fields) == 0) text += " none";
      std::string_view before = " ";
      ((text.append(before).append(each.name), before = ", "), ...);
      note(std::move(text));
    }
  }

  // Whether the field is a member of the value, or lies in one.
  template <class T, class Field>
  void note_made(const T& whole, const Field& each) {
    const auto* begin = reinterpret_cast<const std::byte*>(std::addressof(whole));
    const auto* at = reinterpret_cast<const std::byte*>(std::addressof(*each.value));
    if (!std::less<>{}(at, begin) && std::less<>{}(at, begin + sizeof(T))) return;
    const auto field = "in the field " + std::string{each.name} + " of `" + std::string{type_name<T>()} +
                       "`, which is no member of it but made by its inspect()";
    note(tells_equal<T> ? "something is lost " + field
                        : "something may be lost " + field + "; give it an operator== that can tell");
  }

  void note(std::string text) {
    if (unseen_.empty()) unseen_ = std::move(text);
  }

  std::string unseen_;
};

}  // namespace tyto::detail

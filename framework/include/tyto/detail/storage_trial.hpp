// Stores an event and reads it back, as a journal would, and says what has become of it.
#pragma once

#include <concepts>
#include <exception>
#include <string>
#include <string_view>

#include "tyto/codec.hpp"
#include "tyto/detail/fields.hpp"
#include "tyto/detail/type_name.hpp"
#include "tyto/event.hpp"

namespace tyto::detail {

/// Looks for a plain struct that has more members than its inspect() lists. One that has a == knows itself what makes
/// two values equal.
class unlisted_members {
 public:
  static constexpr bool is_loading = false;

  template <class T>
  class seen_object {
   public:
    explicit seen_object(unlisted_members& seen) : seen_(seen) {}

    template <class... Fields>
    bool fields(const Fields&... each) {
      if constexpr (!std::equality_comparable<T> && has_more_fields<T, sizeof...(Fields)>()) {
        seen_.problem_ = "a field of `" + std::string{type_name<T>()} + "` is not listed in its inspect(), which lists";
        if constexpr (sizeof...(Fields) == 0) seen_.problem_ += " none";
        std::string_view before = " ";
        ((seen_.problem_.append(before).append(each.name), before = ", "), ...);
      }
      (seen_.look_at(*each.value), ...);
      return true;
    }

   private:
    unlisted_members& seen_;
  };

  template <class T>
  auto field(std::string_view name, T& value) const {
    return detail::field<T>{name, &value};
  }
  template <class T>
  auto object(T&) {
    return seen_object<T>{*this};
  }

  template <class T>
  void look_at(const T& value) {
    if constexpr (self_coded<T>) {
      return;
    } else if constexpr (inspectable<T>) {
      inspect(*this, const_cast<T&>(value));  // inspect() serves both directions; this only looks
    } else if constexpr (is_optional<T>::value) {
      if (value) look_at(*value);
    } else if constexpr (map_like<T>) {
      for (const auto& [key, mapped] : value) look_at(mapped);
    } else if constexpr (set_like<T> || sequence_like<T>) {
      for (const auto& element : value) look_at(element);
    }
  }

  /// Empty if there is none.
  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  std::string problem_;
};

/// Returns, of an event of the type `name`, which of its fields are other ones in `read_back` than in `stored`.
std::string changed_in_storage(std::string_view name, std::string_view stored, std::string_view read_back);
/// The same of one that cannot be stored at all, or not be read back.
std::string no_storage_for(std::string_view name, std::string_view why);

/// Returns how `event` is another one when it is read back from a journal; empty if it is not.
template <event E>
std::string lost_in_storage(const E& event) {
  constexpr auto name = stored_name<E>;
  std::string bytes;
  try {
    bytes = to_bytes(event);
  } catch (const std::exception& refused) {
    return no_storage_for(name, refused.what());
  }
  const auto back = from_bytes<E>(bytes);
  if (!back) return no_storage_for(name, back.error().detail());
  if constexpr (std::equality_comparable<E>) {
    if (*back == event) return {};
  }
  if (const auto again = to_bytes(*back); again != bytes) return changed_in_storage(name, bytes, again);
  if constexpr (std::equality_comparable<E>) {
    // Values that are not even equal to themselves hold a number that is none.
    return E{event} == event ? no_storage_for(name, "a field that its inspect() does not list is lost") : std::string{};
  } else {
    unlisted_members members;
    members.look_at(event);
    return members.problem().empty() ? std::string{} : no_storage_for(name, members.problem());
  }
}

}  // namespace tyto::detail

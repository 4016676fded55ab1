// result<T>: a value or the error that kept it from being there. Every public function whose failure is to be expected
// returns one; exceptions are left for a programmer's mistakes, such as asking a failed result for its value.
#pragma once

#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <variant>

#include "tyto/error.hpp"

namespace tyto {

/// Thrown by result::value() when there is none; what() is the error's message.
class bad_result_access : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A T, or the E that says why there is none.
template <class T, class E = error>
class [[nodiscard]] result {
 public:
  using value_type = T;
  using error_type = E;

  result(T value) : content_(std::in_place_index<0>, std::move(value)) {}
  result(E error) : content_(std::in_place_index<1>, std::move(error)) {}

  [[nodiscard]] bool has_value() const { return content_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  /// Return the value; throw bad_result_access with the error's message if there is none.
  T& value() & { return check(), std::get<0>(content_); }
  const T& value() const& { return check(), std::get<0>(content_); }
  T value() && { return check(), std::get<0>(std::move(content_)); }  // by value: a loop may go over it

  /// Access the value; undefined if there is none.
  T& operator*() & { return *std::get_if<0>(&content_); }
  const T& operator*() const& { return *std::get_if<0>(&content_); }
  T&& operator*() && { return std::move(*std::get_if<0>(&content_)); }
  T* operator->() { return std::get_if<0>(&content_); }
  const T* operator->() const { return std::get_if<0>(&content_); }

  /// Access the error; undefined if there is a value.
  const E& error() const& { return *std::get_if<1>(&content_); }
  E&& error() && { return std::move(*std::get_if<1>(&content_)); }

 private:
  void check() const {
    if (!has_value()) throw bad_result_access(error().message());
  }

  std::variant<T, E> content_;
};

/// Success, or the E that says what went wrong.
template <class E>
class [[nodiscard]] result<void, E> {
 public:
  using value_type = void;
  using error_type = E;

  result() = default;
  result(E error) : error_(std::move(error)) {}

  [[nodiscard]] bool has_value() const { return !error_; }
  explicit operator bool() const { return has_value(); }

  /// Throws bad_result_access with the error's message on failure.
  void value() const {
    if (error_) throw bad_result_access(error_->message());
  }

  /// Access the error; undefined on success.
  const E& error() const& { return *error_; }
  E&& error() && { return std::move(*error_); }

 private:
  std::optional<E> error_;
};

}  // namespace tyto

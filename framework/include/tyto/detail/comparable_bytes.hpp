// What is stored of a value, in a form by which values can be compared.
#pragma once

#include <algorithm>
#include <concepts>
#include <limits>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "tyto/codec.hpp"

namespace tyto::detail {

template <class T>
concept unordered_container = (map_like<T> || set_like<T>)&&requires {
  typename T::hasher;
};

/// A container whose elements are stored one after the other, and no text or bytes.
template <class T>
concept container =
    !std::same_as<T, std::string> && !byte_string<T> && (map_like<T> || set_like<T> || sequence_like<T>);

/// Appends `value` as encode() does, but for what makes no difference: the elements of an unordered container come in
/// the order of their bytes, and every NaN is the same one.
template <class T>
void encode_comparably(encoder& out, const T& value);

/// Returns the same as to_bytes() does, in this form.
template <class T>
std::string comparable_bytes(const T& value) {
  std::string bytes;
  encoder out{bytes};
  encode_comparably(out, value);
  return bytes;
}

class comparable_inspector {
 public:
  static constexpr bool is_loading = false;
  explicit comparable_inspector(encoder& out) : out_(out) {}

  template <class T>
  auto field(std::string_view name, T& value) const {
    return detail::field<T>{name, &value};
  }
  template <class T>
  auto object(T&) {
    return *this;
  }
  template <class... Fields>
  bool fields(const Fields&... each) {
    const encoder::level inside{out_};
    out_.put_map(sizeof...(each));
    ((out_.put_string(each.name), encode_comparably(out_, *each.value)), ...);
    return true;
  }

 private:
  encoder& out_;
};

template <unordered_container T>
void encode_in_order(encoder& out, const T& value) {
  std::vector<std::string> elements;
  for (const auto& element : value) {
    if constexpr (map_like<T>) {
      elements.push_back(comparable_bytes(element.first) + comparable_bytes(element.second));
    } else {
      elements.push_back(comparable_bytes(element));
    }
  }
  std::ranges::sort(elements);
  const encoder::level inside{out};
  map_like<T> ? out.put_map(elements.size()) : out.put_array(elements.size());
  for (const auto& element : elements) out.put_encoded(element);
}

template <class T>
void encode_comparably(encoder& out, const T& value) {
  if constexpr (std::floating_point<T>) {
    out.put_double(value == value ? static_cast<double>(value) : std::numeric_limits<double>::quiet_NaN());
  } else if constexpr (is_optional<T>::value) {
    value ? encode_comparably(out, *value) : out.put_nil();
  } else if constexpr (self_coded<T>) {
    encode(out, value);
  } else if constexpr (inspectable<T>) {
    comparable_inspector f{out};
    inspect(f, const_cast<T&>(value));  // inspect() serves both directions; this only reads
  } else if constexpr (unordered_container<T>) {
    encode_in_order(out, value);
  } else if constexpr (container<T>) {
    const encoder::level inside{out};
    map_like<T> ? out.put_map(std::ranges::size(value)) : out.put_array(std::ranges::size(value));
    for (const auto& element : value) {
      if constexpr (map_like<T>) {
        encode_comparably(out, element.first), encode_comparably(out, element.second);
      } else {
        encode_comparably(out, element);
      }
    }
  } else if constexpr (tuple_like<T>) {
    const encoder::level inside{out};
    out.put_array(std::tuple_size_v<T>);
    std::apply([&out](const auto&... each) { (encode_comparably(out, each), ...); }, value);
  } else {
    encode(out, value);
  }
}

}  // namespace tyto::detail

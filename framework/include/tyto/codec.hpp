// Values to MessagePack and back. Structs name their fields through inspect() (see event.hpp) and become maps keyed by
// field name, so that stored values explain themselves and fields can come, go and change places.
#pragma once

#include <array>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "tyto/result.hpp"
#include "tyto/storable.hpp"

#define TYTO_DETAIL_NOT_STORABLE                                                                                      \
  "tyto: a value of this type cannot be stored; name the fields of a struct with `TYTO_VALUE(type, field, ...)`, or " \
  "see docs/storable-types.md"

namespace tyto {

/// How deep arrays and maps may lie in each other, so that neither a recursive type nor damaged bytes can use up a
/// thread's stack.
inline constexpr std::size_t max_nesting = 128;

/// Appends MessagePack to a buffer.
class encoder {
 public:
  explicit encoder(std::string& buffer) : buffer_(buffer) {}

  void put_nil();
  void put_bool(bool value);
  void put_uint(std::uint64_t value);
  void put_int(std::int64_t value);
  void put_double(double value);
  void put_string(std::string_view value);
  void put_bytes(std::string_view value);
  void put_array(std::size_t size);
  void put_map(std::size_t size);
  /// Appends `value`, which is one value in MessagePack already.
  void put_encoded(std::string_view value);

  /// Stands for one array or map, while its elements are appended. Throws std::length_error beyond max_nesting: what
  /// can be written can be read back.
  class level {
   public:
    explicit level(encoder& out) : depth_(out.depth_) {
      if (depth_ == max_nesting) throw std::length_error("tyto: a value is nested too deeply to be stored");
      ++depth_;
    }
    ~level() { --depth_; }
    level(const level&) = delete;
    level& operator=(const level&) = delete;

   private:
    std::size_t& depth_;
  };

 private:
  std::string& buffer_;
  std::size_t depth_ = 0;
};

/// Reads MessagePack from a buffer that must outlive it. Once a read fails, what() says why and where.
class decoder {
 public:
  /// Fails at once if `bytes` is not exactly one well-formed MessagePack value; reads need no bounds checks after that.
  explicit decoder(std::string_view bytes);

  [[nodiscard]] bool ok() const { return problem_.empty(); }
  [[nodiscard]] std::string what() const;

  bool get_bool(bool& value);
  bool get_uint(std::uint64_t& value);
  bool get_int(std::int64_t& value);
  bool get_double(double& value);
  bool get_string(std::string_view& value);
  bool get_bytes(std::string_view& value);
  bool get_array(std::size_t& size);
  bool get_map(std::size_t& size);
  /// Consumes a nil and returns true if the next value is one.
  bool skip_nil();
  void skip();

  /// The unread rest; assign it back with seek() to read from there again.
  [[nodiscard]] const char* tell() const { return cursor_; }
  void seek(const char* place) { cursor_ = place; }

  /// From now on an object's field that is missing keeps the value that it has, instead of ending the decoding.
  void keep_missing_fields() { keeps_missing_fields_ = true; }
  [[nodiscard]] bool keeps_missing_fields() const { return keeps_missing_fields_; }

  /// Consumes the next string and returns true if it is `key`.
  bool skip_key(std::string_view key);

  /// Marks the decoding as failed; always returns false.
  bool fail(std::string problem);
  /// Notes, while a failure travels up, that it happened inside field `name`; always returns false.
  bool fail_in(std::string_view name);

 private:
  bool expected(std::string_view what);

  const char* cursor_;
  bool keeps_missing_fields_ = false;
  std::string problem_;
  std::string path_;
};

template <class T>
void encode(encoder& out, const T& value);
template <class T>
bool decode(decoder& in, T& value);

namespace detail {

struct nothing_given {};

/// One named field of an object under inspection, with what it falls back to and what it must satisfy.
template <class T, class Fallback = nothing_given, class Invariant = nothing_given>
struct field {
  std::string_view name;
  T* value;
  [[no_unique_address]] Fallback fallback_value{};
  [[no_unique_address]] Invariant invariant_holds{};

  /// The value when the stored object has no such field.
  template <class U>
  [[nodiscard]] auto fallback(U other) const {
    return field<T, U, Invariant>{name, value, std::move(other), invariant_holds};
  }
  /// What every value read must satisfy.
  template <class Predicate>
  [[nodiscard]] auto invariant(Predicate holds) const {
    return field<T, Fallback, Predicate>{name, value, fallback_value, std::move(holds)};
  }
};

class write_inspector {
 public:
  static constexpr bool is_loading = false;
  explicit write_inspector(encoder& out) : out_(out) {}

  template <class T>
  auto field(std::string_view name, T& value) const {
    return detail::field<T>{name, &value};
  }

  class object_writer {
   public:
    explicit object_writer(encoder& out) : out_(out) {}
    template <class... Fields>
    bool fields(const Fields&... each) {
      const encoder::level inside{out_};
      out_.put_map(sizeof...(each));
      (write(each), ...);
      return true;
    }

   private:
    template <class Field>
    void write(const Field& f) {
      if constexpr (!std::is_same_v<decltype(f.invariant_holds), nothing_given>) {
        if (!f.invariant_holds(*f.value)) {
          throw std::invalid_argument("tyto: the value of '" + std::string{f.name} + "' breaks the field's invariant");
        }
      }
      out_.put_string(f.name);
      encode(out_, *f.value);
    }

    encoder& out_;
  };

  template <class T>
  auto object(T&) {
    return object_writer{out_};
  }

 private:
  encoder& out_;
};

class read_inspector {
 public:
  static constexpr bool is_loading = true;
  explicit read_inspector(decoder& in) : in_(in) {}

  template <class T>
  auto field(std::string_view name, T& value) const {
    return detail::field<T>{name, &value};
  }

  /// Reads the fields in the order in which they were most likely written, without looking back; from the first one
  /// that is not in its place on, by name.
  class object_reader {
   public:
    explicit object_reader(decoder& in) : in_(in) {}

    template <class... Fields>
    bool fields(const Fields&... each) {
      if (!in_.get_map(unread_)) return false;
      if (!(read(each) && ...)) return false;
      if (end_ != nullptr) {
        in_.seek(end_);
      } else {
        for (; unread_ > 0; --unread_) in_.skip(), in_.skip();
      }
      return true;
    }

   private:
    template <class Field>
    bool read(const Field& f) {
      if (find(f.name)) {
        if (!decode(in_, *f.value)) return in_.fail_in(f.name);
      } else if (!in_.ok()) {
        return false;
      } else if constexpr (!std::is_same_v<decltype(f.fallback_value), nothing_given>) {
        *f.value = f.fallback_value;
      } else if (!in_.keeps_missing_fields()) {
        return in_.fail("the field is missing"), in_.fail_in(f.name);
      }
      if constexpr (!std::is_same_v<decltype(f.invariant_holds), nothing_given>) {
        if (!f.invariant_holds(*f.value))
          return in_.fail("the value breaks the field's invariant"), in_.fail_in(f.name);
      }
      return true;
    }

    bool find(std::string_view name) {
      if (end_ == nullptr) {
        if (unread_ > 0 && in_.skip_key(name)) return --unread_, true;
        list_unread();
      }
      for (const auto& [key, place] : unread_places_) {
        if (key == name) return in_.seek(place), true;
      }
      return false;
    }

    void list_unread() {
      for (; unread_ > 0; --unread_) {
        std::string_view key;
        if (!in_.get_string(key)) return;
        unread_places_.emplace_back(key, in_.tell());
        in_.skip();
      }
      end_ = in_.tell();
    }

    decoder& in_;
    std::size_t unread_ = 0;
    const char* end_ = nullptr;  // set once the fields are looked up by name
    std::vector<std::pair<std::string_view, const char*>> unread_places_;
  };

  template <class T>
  auto object(T&) {
    return object_reader{in_};
  }

 private:
  decoder& in_;
};

template <class T>
bool decode_integer(decoder& in, T& value) {
  if constexpr (std::is_signed_v<T>) {
    std::int64_t wide = 0;
    if (!in.get_int(wide)) return false;
    if (!std::in_range<T>(wide)) return in.fail("the number " + std::to_string(wide) + " does not fit its type");
    value = static_cast<T>(wide);
  } else {
    std::uint64_t wide = 0;
    if (!in.get_uint(wide)) return false;
    if (!std::in_range<T>(wide)) return in.fail("the number " + std::to_string(wide) + " does not fit its type");
    value = static_cast<T>(wide);
  }
  return true;
}

/// Reads `size` elements one after the other into what `add` makes of them.
template <class Element, class Add>
bool decode_elements(decoder& in, std::size_t size, Add add) {
  for (std::size_t i = 0; i < size; ++i) {
    Element element{};
    if (!decode(in, element)) return in.fail_in("[" + std::to_string(i) + "]");
    add(std::move(element));
  }
  return true;
}

}  // namespace detail

/// Appends `value`, which is storable or text, to `out`. Throws std::length_error if it is nested deeper than
/// max_nesting, and std::invalid_argument if it breaks a field's invariant: what is written can be read back.
template <class T>
void encode(encoder& out, const T& value) {
  using namespace detail;
  if constexpr (!storable<T> && !std::convertible_to<const T&, std::string_view>) {
    static_assert(storable<T>, TYTO_DETAIL_NOT_STORABLE);
  } else if constexpr (std::same_as<T, bool>) {
    out.put_bool(value);
  } else if constexpr (std::is_enum_v<T>) {
    encode(out, static_cast<std::underlying_type_t<T>>(value));
  } else if constexpr (std::unsigned_integral<T>) {
    out.put_uint(value);
  } else if constexpr (std::signed_integral<T>) {
    out.put_int(value);
  } else if constexpr (std::floating_point<T>) {
    out.put_double(static_cast<double>(value));
  } else if constexpr (std::same_as<T, std::string>) {  // NOLINT(bugprone-branch-clone): views come last
    out.put_string(value);
  } else if constexpr (byte_string<T>) {
    out.put_bytes({reinterpret_cast<const char*>(value.data()), value.size()});
  } else if constexpr (is_optional<T>::value) {
    value ? encode(out, *value) : out.put_nil();
  } else if constexpr (is_duration<T>::value) {
    encode(out, value.count());
  } else if constexpr (is_time_point<T>::value) {
    encode(out, value.time_since_epoch().count());
  } else if constexpr (self_coded<T>) {
    value.encode_to(out);
  } else if constexpr (inspectable<T>) {
    write_inspector f{out};
    inspect(f, const_cast<T&>(value));  // inspect() serves both directions; a write_inspector only reads
  } else if constexpr (map_like<T>) {
    const encoder::level inside{out};
    out.put_map(std::ranges::size(value));
    for (const auto& [key, mapped] : value) encode(out, key), encode(out, mapped);
  } else if constexpr (set_like<T> || sequence_like<T>) {
    const encoder::level inside{out};
    out.put_array(std::ranges::size(value));
    for (const auto& element : value) encode(out, element);
  } else if constexpr (tuple_like<T>) {
    const encoder::level inside{out};
    out.put_array(std::tuple_size_v<T>);
    std::apply([&out](const auto&... each) { (encode(out, each), ...); }, value);
  } else {
    out.put_string(value);
  }
}

/// Reads a storable value; on failure returns false, and `in` says why.
template <class T>
bool decode(decoder& in, T& value) {
  using namespace detail;
  if constexpr (!storable<T>) {
    static_assert(storable<T>, TYTO_DETAIL_NOT_STORABLE);
    return false;
  } else if constexpr (std::same_as<T, bool>) {
    return in.get_bool(value);
  } else if constexpr (std::is_enum_v<T>) {
    std::underlying_type_t<T> number{};
    if (!decode(in, number)) return false;
    value = static_cast<T>(number);
    return true;
  } else if constexpr (std::integral<T>) {
    return decode_integer(in, value);
  } else if constexpr (std::floating_point<T>) {
    double wide = 0;
    if (!in.get_double(wide)) return false;
    value = static_cast<T>(wide);
    return true;
  } else if constexpr (std::same_as<T, std::string>) {
    std::string_view view;
    if (!in.get_string(view)) return false;
    value.assign(view);
    return true;
  } else if constexpr (byte_string<T>) {
    std::string_view view;
    if (!in.get_bytes(view)) return false;
    const auto* first = reinterpret_cast<const std::byte*>(view.data());
    value.assign(first, first + view.size());
    return true;
  } else if constexpr (is_optional<T>::value) {
    if (in.skip_nil()) return value.reset(), true;
    return decode(in, value.emplace());
  } else if constexpr (is_duration<T>::value) {
    typename T::rep count{};
    if (!decode(in, count)) return false;
    value = T{count};
    return true;
  } else if constexpr (is_time_point<T>::value) {
    typename T::duration since_epoch{};
    if (!decode(in, since_epoch)) return false;
    value = T{since_epoch};
    return true;
  } else if constexpr (self_coded<T>) {
    return value.decode_from(in);
  } else if constexpr (inspectable<T>) {
    read_inspector f{in};
    return inspect(f, value);
  } else if constexpr (map_like<T>) {
    std::size_t size = 0;
    if (!in.get_map(size)) return false;
    value.clear();
    for (std::size_t i = 0; i < size; ++i) {
      typename T::key_type key{};
      typename T::mapped_type mapped{};
      if (!decode(in, key) || !decode(in, mapped)) return in.fail_in("{" + std::to_string(i) + "}");
      value.insert_or_assign(std::move(key), std::move(mapped));
    }
    return true;
  } else if constexpr (set_like<T>) {
    std::size_t size = 0;
    if (!in.get_array(size)) return false;
    value.clear();
    return decode_elements<typename T::key_type>(in, size, [&](auto each) { value.insert(std::move(each)); });
  } else if constexpr (sequence_like<T>) {
    std::size_t size = 0;
    if (!in.get_array(size)) return false;
    value.clear();
    if constexpr (requires { value.reserve(size); }) value.reserve(size);
    return decode_elements<typename T::value_type>(in, size, [&](auto each) { value.push_back(std::move(each)); });
  } else {
    std::size_t size = 0;
    if (!in.get_array(size)) return false;
    if (size != std::tuple_size_v<T>) return in.fail("expected " + std::to_string(std::tuple_size_v<T>) + " elements");
    std::size_t index = 0;
    const auto decode_next = [&](auto& element) {
      if (!decode(in, element)) return in.fail_in("[" + std::to_string(index) + "]");
      return ++index, true;
    };
    return std::apply([&](auto&... each) { return (decode_next(each) && ...); }, value);
  }
}

namespace detail {

/// A buffer whose memory the thread uses again and again.
class encoding_buffer {
 public:
  encoding_buffer() {
    if (auto* const kept = spare()) bytes.swap(*kept);
  }
  ~encoding_buffer() {
    if (bytes.capacity() > most_kept) return;
    bytes.clear();
    if (auto* const kept = spare()) bytes.swap(*kept);
  }
  encoding_buffer(const encoding_buffer&) = delete;
  encoding_buffer& operator=(const encoding_buffer&) = delete;

  std::string bytes;

 private:
  static constexpr std::size_t most_kept = 65'536;
  static std::string* spare();  // this thread's, while nobody has it; nullptr where the thread ends
};

}  // namespace detail

/// Returns `value` as MessagePack, in no more memory than it takes.
template <class T>
std::string to_bytes(const T& value) {
  detail::encoding_buffer buffer;
  encoder out{buffer.bytes};
  encode(out, value);
  return std::string{std::string_view{buffer.bytes}};
}

/// Reads the value that `bytes` hold into `value`, a new one. Fails with errc::undecodable, with the path to the field
/// that does not fit.
template <class T>
result<void> from_bytes(std::string_view bytes, T& value) {
  decoder in{bytes};
  if (in.ok() && decode(in, value)) return {};
  return error{errc::undecodable, "decoding a stored value", in.what()};
}

/// Returns the value that `bytes` hold, or fails like the other one.
template <class T>
result<T> from_bytes(std::string_view bytes) {
  T value{};
  auto read = from_bytes(bytes, value);
  return read ? result<T>{std::move(value)} : std::move(read).error();
}

/// Returns `bytes` (MessagePack) as one line of JSON, for people and logs. A map whose keys are not all strings becomes
/// an array of pairs, [[1,"a"],[2,"b"]]; bytes become {"bytes":[…],"subtype":null}; and what is no number, null.
std::string to_json(std::string_view bytes);

}  // namespace tyto

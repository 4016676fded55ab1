#include "tyto/codec.hpp"

#include <msgpuck.h>

#include <nlohmann/json.hpp>

#include "tyto/detail/own_of_thread.hpp"

namespace tyto {
namespace {

constexpr std::size_t max_head_bytes = 9;

template <class Write>
void append(std::string& buffer, Write write) {
  char head[max_head_bytes];
  buffer.append(head, static_cast<std::size_t>(write(head) - head));
}

std::string_view kind_of(char first) {
  switch (mp_typeof(first)) {
    case MP_NIL:
      return "nil";
    case MP_UINT:
    case MP_INT:
      return "a number";
    case MP_STR:
      return "a string";
    case MP_BIN:
      return "bytes";
    case MP_ARRAY:
      return "an array";
    case MP_MAP:
      return "a map";
    case MP_BOOL:
      return "a bool";
    case MP_FLOAT:
    case MP_DOUBLE:
      return "a floating point number";
    default:
      return "something else";
  }
}

// Moves `at` behind the value that it points to; returns why it cannot, or nullptr. msgpuck's own mp_check() counts the
// elements that are still to come in an int, which an array's size overflows, and knows no limit to nesting.
const char* skip_checked(const char*& at, const char* end, std::size_t levels_left) {
  constexpr auto malformed = "not a well-formed MessagePack value";
  constexpr auto reserved_head = static_cast<char>(0xc1);
  const auto bytes_left = [&at, end] { return static_cast<std::size_t>(end - at); };

  if (at == end || *at == reserved_head) return malformed;
  // Most values are short strings and small numbers, and quicker told here: the head says it all.
  const auto head = static_cast<unsigned char>(*at);
  const std::size_t short_bytes = head < 0x80 ? 1 : (head & 0xe0) == 0xa0 ? 1 + (head & 0x1f) : 0;
  if (short_bytes > 0) {
    if (short_bytes > bytes_left()) return malformed;
    at += short_bytes;
    return nullptr;
  }
  const auto type = mp_typeof(*at);
  if (type != MP_ARRAY && type != MP_MAP) {
    // The size of a scalar is known after at most five bytes, and mp_check() never reads beyond `end` to find it.
    return mp_check(&at, end) == 0 ? nullptr : malformed;
  }
  if (levels_left == 0) return "nested too deeply";
  if ((type == MP_ARRAY ? mp_check_array(at, end) : mp_check_map(at, end)) > 0) return malformed;
  const std::uint64_t elements = type == MP_ARRAY ? mp_decode_array(&at) : std::uint64_t{2} * mp_decode_map(&at);
  if (elements > bytes_left()) return malformed;
  for (std::uint64_t i = 0; i < elements; ++i) {
    if (const char* problem = skip_checked(at, end, levels_left - 1)) return problem;
  }
  return nullptr;
}

// Returns why `bytes` are not exactly one value, or nullptr.
const char* check(std::string_view bytes) {
  // mp_next() counts in an int, too; no value of this size has more elements than that.
  if (!std::in_range<int>(bytes.size())) return "larger than 2 GiB";
  const char* at = bytes.data();
  const char* end = at + bytes.size();
  const char* problem = skip_checked(at, end, max_nesting);
  if (problem == nullptr && at != end) problem = "not a well-formed MessagePack value";
  return problem;
}

// Appends the value that `at` points to, which is well-formed, as JSON, and moves behind it.
void print(std::string& text, const char*& at);

void print_separated(std::string& text, std::uint32_t index) {
  if (index > 0) text += ',';
}

void print_map(std::string& text, const char*& at) {
  const std::uint32_t size = mp_decode_map(&at);
  bool has_names = true;
  const char* look = at;
  for (std::uint32_t i = 0; i < size; ++i) {
    has_names = has_names && mp_typeof(*look) == MP_STR;
    mp_next(&look), mp_next(&look);
  }
  text += has_names ? '{' : '[';
  for (std::uint32_t i = 0; i < size; ++i) {
    print_separated(text, i);
    if (!has_names) text += '[';
    print(text, at);
    text += has_names ? ':' : ',';
    print(text, at);
    if (!has_names) text += ']';
  }
  text += has_names ? '}' : ']';
}

void print(std::string& text, const char*& at) {
  if (mp_typeof(*at) == MP_MAP) return print_map(text, at);
  if (mp_typeof(*at) == MP_ARRAY) {
    const std::uint32_t size = mp_decode_array(&at);
    text += '[';
    for (std::uint32_t i = 0; i < size; ++i) print_separated(text, i), print(text, at);
    text += ']';
    return;
  }
  const char* begin = at;
  mp_next(&at);
  using json = nlohmann::ordered_json;
  text += json::from_msgpack(begin, at).dump(-1, ' ', false, json::error_handler_t::replace);
}

// A buffer that ends after one nil stands in for a broken one: every read of another kind fails without looking on.
constexpr char nil_value = static_cast<char>(0xc0);

}  // namespace

std::string* detail::encoding_buffer::spare() {
  struct spare_buffer {
    std::string bytes;
  };
  auto* const kept = own_of_thread<spare_buffer>::get();
  return kept != nullptr ? &kept->bytes : nullptr;
}

void encoder::put_nil() {
  append(buffer_, [](char* to) { return mp_encode_nil(to); });
}
void encoder::put_bool(bool value) {
  append(buffer_, [=](char* to) { return mp_encode_bool(to, value); });
}
void encoder::put_uint(std::uint64_t value) {
  append(buffer_, [=](char* to) { return mp_encode_uint(to, value); });
}
void encoder::put_int(std::int64_t value) {
  if (value >= 0) return put_uint(static_cast<std::uint64_t>(value));
  append(buffer_, [=](char* to) { return mp_encode_int(to, value); });
}
void encoder::put_double(double value) {
  append(buffer_, [=](char* to) { return mp_encode_double(to, value); });
}
void encoder::put_string(std::string_view value) {
  append(buffer_, [=](char* to) { return mp_encode_strl(to, static_cast<std::uint32_t>(value.size())); });
  buffer_.append(value);
}
void encoder::put_bytes(std::string_view value) {
  append(buffer_, [=](char* to) { return mp_encode_binl(to, static_cast<std::uint32_t>(value.size())); });
  buffer_.append(value);
}
void encoder::put_array(std::size_t size) {
  append(buffer_, [=](char* to) { return mp_encode_array(to, static_cast<std::uint32_t>(size)); });
}
void encoder::put_map(std::size_t size) {
  append(buffer_, [=](char* to) { return mp_encode_map(to, static_cast<std::uint32_t>(size)); });
}
void encoder::put_encoded(std::string_view value) { buffer_.append(value); }

decoder::decoder(std::string_view bytes) : cursor_(bytes.data()) {
  if (const char* problem = check(bytes)) {
    cursor_ = &nil_value;
    fail(problem);
  }
}

std::string decoder::what() const { return path_.empty() ? problem_ : path_ + ": " + problem_; }

bool decoder::expected(std::string_view what) {
  return fail("expected " + std::string{what} + ", found " + std::string{kind_of(*cursor_)});
}

bool decoder::get_bool(bool& value) {
  if (mp_typeof(*cursor_) != MP_BOOL) return expected("a bool");
  value = mp_decode_bool(&cursor_);
  return true;
}

bool decoder::get_uint(std::uint64_t& value) {
  if (mp_typeof(*cursor_) != MP_UINT) return expected("a number of at least 0");
  value = mp_decode_uint(&cursor_);
  return true;
}

bool decoder::get_int(std::int64_t& value) {
  if (mp_typeof(*cursor_) == MP_INT) {
    value = mp_decode_int(&cursor_);
    return true;
  }
  std::uint64_t magnitude = 0;
  if (mp_typeof(*cursor_) != MP_UINT) return expected("a number");
  magnitude = mp_decode_uint(&cursor_);
  if (!std::in_range<std::int64_t>(magnitude)) return fail("the number does not fit 64 bits with a sign");
  value = static_cast<std::int64_t>(magnitude);
  return true;
}

bool decoder::get_double(double& value) {
  switch (mp_typeof(*cursor_)) {
    case MP_DOUBLE:
      value = mp_decode_double(&cursor_);
      return true;
    case MP_FLOAT:
      value = static_cast<double>(mp_decode_float(&cursor_));
      return true;
    case MP_UINT:
      value = static_cast<double>(mp_decode_uint(&cursor_));
      return true;
    case MP_INT:
      value = static_cast<double>(mp_decode_int(&cursor_));
      return true;
    default:
      return expected("a number");
  }
}

bool decoder::get_string(std::string_view& value) {
  if (mp_typeof(*cursor_) != MP_STR) return expected("a string");
  std::uint32_t size = 0;
  const char* text = mp_decode_str(&cursor_, &size);
  value = {text, size};
  return true;
}

bool decoder::get_bytes(std::string_view& value) {
  if (mp_typeof(*cursor_) != MP_BIN) return expected("bytes");
  std::uint32_t size = 0;
  const char* bytes = mp_decode_bin(&cursor_, &size);
  value = {bytes, size};
  return true;
}

bool decoder::get_array(std::size_t& size) {
  if (mp_typeof(*cursor_) != MP_ARRAY) return expected("an array");
  size = mp_decode_array(&cursor_);
  return true;
}

bool decoder::get_map(std::size_t& size) {
  if (mp_typeof(*cursor_) != MP_MAP) return expected("a map");
  size = mp_decode_map(&cursor_);
  return true;
}

bool decoder::skip_nil() {
  if (mp_typeof(*cursor_) != MP_NIL) return false;
  mp_decode_nil(&cursor_);
  return true;
}

void decoder::skip() { mp_next(&cursor_); }

bool decoder::skip_key(std::string_view key) {
  if (mp_typeof(*cursor_) != MP_STR) return false;
  const char* next = cursor_;
  std::uint32_t size = 0;
  const char* text = mp_decode_str(&next, &size);
  if (std::string_view{text, size} != key) return false;
  cursor_ = next;
  return true;
}

bool decoder::fail(std::string problem) {
  if (problem_.empty()) problem_ = std::move(problem);
  return false;
}

bool decoder::fail_in(std::string_view name) {
  path_ = path_.empty() || path_.front() == '[' || path_.front() == '{' ? std::string{name} + path_
                                                                        : std::string{name} + "." + path_;
  return false;
}

std::string to_json(std::string_view bytes) {
  if (check(bytes) != nullptr) return "<not printable as JSON>";
  std::string text;
  const char* at = bytes.data();
  print(text, at);
  return text;
}

}  // namespace tyto

#include "shown_value.hpp"

#include <msgpuck.h>

#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "tyto/codec.hpp"
#include "tyto/printable.hpp"

namespace tyto::detail {
namespace {

using kind = shown_value::kind;

std::string in_quotes(std::string_view text) {
  std::string marked;
  for (const char each : text) {
    if (each == '"' || each == '\\') marked += '\\';
    marked += each;
  }
  return '"' + printable(marked) + '"';
}

std::string text_of(double number) {
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number > 0 ? "inf" : "-inf";
  return nlohmann::json(number).dump();
}

std::string hex_of(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text = "0x";
  for (const char each : bytes) {
    const auto byte = static_cast<unsigned char>(each);
    text += digits[byte / 16U];
    text += digits[byte % 16U];
  }
  return text;
}

std::string scalar(const char*& at) {
  std::uint32_t size = 0;
  switch (mp_typeof(*at)) {
    case MP_NIL:
      mp_decode_nil(&at);
      return "null";
    case MP_BOOL:
      return mp_decode_bool(&at) ? "true" : "false";
    case MP_UINT:
      return std::to_string(mp_decode_uint(&at));
    case MP_INT:
      return std::to_string(mp_decode_int(&at));
    case MP_FLOAT:
      return text_of(static_cast<double>(mp_decode_float(&at)));
    case MP_DOUBLE:
      return text_of(mp_decode_double(&at));
    case MP_STR: {
      const char* text = mp_decode_str(&at, &size);
      return in_quotes({text, size});
    }
    case MP_BIN: {
      const char* bytes = mp_decode_bin(&at, &size);
      return hex_of({bytes, size});
    }
    default: {
      const char* begin = at;
      mp_next(&at);
      return hex_of({begin, static_cast<std::size_t>(at - begin)});
    }
  }
}

// Takes apart the well-formed value that `at` points to, and moves behind it.
shown_value taken(const char*& at);

shown_value taken_map(const char*& at) {
  const std::uint32_t size = mp_decode_map(&at);
  bool has_names = true;
  const char* look = at;
  for (std::uint32_t i = 0; i < size; ++i) {
    has_names = has_names && mp_typeof(*look) == MP_STR;
    mp_next(&look), mp_next(&look);
  }
  shown_value map{has_names ? kind::fields : kind::list};
  for (std::uint32_t i = 0; i < size; ++i) {
    if (has_names) {
      std::uint32_t length = 0;
      const char* name = mp_decode_str(&at, &length);
      map.parts.emplace_back(std::string{name, length}, taken(at));
    } else {
      shown_value pair{kind::list};
      pair.parts.emplace_back("", taken(at));
      pair.parts.emplace_back("", taken(at));
      map.parts.emplace_back("", std::move(pair));
    }
  }
  return map;
}

shown_value taken(const char*& at) {
  if (mp_typeof(*at) == MP_MAP) return taken_map(at);
  if (mp_typeof(*at) != MP_ARRAY) return {kind::plain, scalar(at)};
  shown_value list{kind::list};
  for (std::uint32_t left = mp_decode_array(&at); left > 0; --left) list.parts.emplace_back("", taken(at));
  return list;
}

}  // namespace

shown_value show_value(std::string_view bytes) {
  if (!decoder{bytes}.ok()) return {kind::plain, hex_of(bytes)};
  const char* at = bytes.data();
  return taken(at);
}

std::string line_of(const shown_value& value) {
  if (value.what == kind::plain) return value.text;
  const bool has_names = value.what == kind::fields;
  std::string text = has_names ? "{" : "[";
  for (const auto& [name, part] : value.parts) {
    if (text.size() > 1) text += ',';
    if (has_names) text += in_quotes(name) + ":";
    text += line_of(part);
  }
  return text + (has_names ? "}" : "]");
}

}  // namespace tyto::detail

#include "key_shape.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "tables.hpp"
#include "tyto/codec.hpp"
#include "tyto/row_key.hpp"

namespace tyto::sql {
namespace {

constexpr std::string_view before_indexes = "; ";

bool skip(std::string_view& words, std::string_view expected) {
  if (!words.starts_with(expected)) return false;
  words.remove_prefix(expected.size());
  return true;
}

bool skip_number(std::string_view& words, std::uint64_t& number) {
  const auto [end, failed] = std::from_chars(words.data(), words.data() + words.size(), number);
  if (failed != std::errc{}) return false;
  words.remove_prefix(static_cast<std::size_t>(end - words.data()));
  return true;
}

// Bits of a key's integer as a number: those with a sign are stored with their sign bit turned round.
std::int64_t with_sign(std::uint64_t bits, std::size_t bytes) {
  return static_cast<std::int64_t>(bits - (std::uint64_t{1} << (bytes * 8 - 1)));
}

}  // namespace

bool has_indexes(std::string_view shape) { return shape.find(before_indexes) != std::string_view::npos; }

std::optional<key_shape> key_shape::of_table(std::string_view shape) {
  auto words = shape.substr(0, shape.find(before_indexes));
  key_shape parsed;
  return parsed.parse(words) && words.empty() ? std::optional{parsed} : std::nullopt;
}

bool key_shape::parse(std::string_view& words) {
  if (skip(words, "time, ")) return parse_integer(words);
  if (skip(words, "(")) return parse_parts(words);
  if (skip(words, "string")) return true;
  return parse_integer(words);
}

bool key_shape::parse_parts(std::string_view& words) {
  kind_ = kind::parts;
  if (skip(words, ")")) return true;
  do {
    if (!parts_.emplace_back().parse(words)) return false;
  } while (skip(words, ", "));
  return skip(words, ")");
}

bool key_shape::parse_integer(std::string_view& words) {
  kind_ = kind::integer;
  is_signed_ = words.starts_with('i');
  std::uint64_t number = 0;
  if (!skip(words, "i") && !skip(words, "u")) return false;
  if (!skip_number(words, number) || (number != 8 && number != 16 && number != 32 && number != 64)) return false;
  bytes_ = number / 8;
  if (!skip(words, " of ")) return true;
  return skip_number(words, number) && skip(words, "/") && skip_number(words, number) && skip(words, " s");
}

bool key_shape::get_integer(std::string_view& bytes, std::uint64_t& bits) const {
  return detail::get_key_integer(bytes, bits, bytes_);
}

bool key_shape::append(std::string& messagepack, std::string_view& bytes) const {
  encoder out{messagepack};
  if (kind_ == kind::parts) {
    out.put_array(parts_.size());
    return std::ranges::all_of(parts_, [&](const auto& each) { return each.append(messagepack, bytes); });
  }
  if (kind_ == kind::text) {
    std::string text;
    if (!detail::get_key_string(bytes, text)) return false;
    out.put_string(text);
    return true;
  }
  std::uint64_t bits = 0;
  if (!get_integer(bytes, bits)) return false;
  is_signed_ ? out.put_int(with_sign(bits, bytes_)) : out.put_uint(bits);
  return true;
}

bool key_shape::show(sqlite3_context* to, std::string_view bytes) const {
  if (kind_ == kind::text) {
    std::string text;
    if (!detail::get_key_string(bytes, text) || !bytes.empty()) return false;
    show_text(to, text);
    return true;
  }
  if (kind_ == kind::integer) {
    std::uint64_t bits = 0;
    if (!get_integer(bytes, bits) || !bytes.empty()) return false;
    if (is_signed_) {
      sqlite3_result_int64(to, with_sign(bits, bytes_));
    } else if (std::in_range<std::int64_t>(bits)) {
      show_number(to, bits);
    } else {
      show_text(to, std::to_string(bits));  // SQL has no such integers
    }
    return true;
  }
  std::string messagepack;
  return append(messagepack, bytes) && bytes.empty() && show_json(to, messagepack);
}

std::optional<std::string> key_shape::bytes_of(sqlite3_value* value) const {
  if (kind_ == kind::text && sqlite3_value_type(value) == SQLITE_TEXT) {
    const auto* text = reinterpret_cast<const char*>(sqlite3_value_text(value));
    return to_row_key(std::string_view{text, static_cast<std::size_t>(sqlite3_value_bytes(value))});
  }
  if (kind_ != kind::integer || sqlite3_value_type(value) != SQLITE_INTEGER) return std::nullopt;
  const auto number = sqlite3_value_int64(value);
  const auto sign = is_signed_ ? std::uint64_t{1} << (bytes_ * 8 - 1) : 0;
  const auto bits = static_cast<std::uint64_t>(number) + sign;
  const bool is_negative_bits = !is_signed_ && number < 0;
  if (is_negative_bits || (bytes_ < 8 && bits >> (8 * bytes_) != 0)) return std::nullopt;
  std::string bytes;
  detail::put_key_integer(bytes, bits, bytes_);
  return bytes;
}

}  // namespace tyto::sql

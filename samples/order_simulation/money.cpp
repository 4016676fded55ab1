#include "money.hpp"

#include <limits>

namespace shop {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool all_digits(std::string_view text) {
  for (const char c : text) {
    if (!is_digit(c)) return false;
  }
  return !text.empty();
}

// Appends a decimal digit to a number that is kept negative, because negative numbers reach one further.
bool append_digit(std::int64_t& negative, char digit) {
  constexpr auto lowest = std::numeric_limits<std::int64_t>::min();
  const int value = digit - '0';
  if (negative < (lowest + value) / 10) return false;
  negative = negative * 10 - value;
  return true;
}

}  // namespace

std::optional<decimal_cents> parse_cents(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  const auto dot = text.find('.');
  const auto whole = text.substr(0, dot);
  auto fraction = dot == std::string_view::npos ? std::string_view{"0"} : text.substr(dot + 1);
  if (!all_digits(whole) || !all_digits(fraction)) return std::nullopt;

  while (fraction.ends_with('0')) fraction.remove_suffix(1);
  std::int64_t cents = 0;
  for (const char c : whole) {
    if (!append_digit(cents, c)) return std::nullopt;
  }
  for (std::size_t place = 0; place < 2; ++place) {
    if (!append_digit(cents, place < fraction.size() ? fraction[place] : '0')) return std::nullopt;
  }
  if (!negative && cents == std::numeric_limits<std::int64_t>::min()) return std::nullopt;
  if (fraction.size() > 2) return decimal_cents{std::nullopt};
  return decimal_cents{negative ? cents : -cents};
}

std::string format_count(std::uint64_t count) {
  auto digits = std::to_string(count);
  for (auto place = static_cast<int>(digits.size()) - 3; place > 0; place -= 3) {
    digits.insert(static_cast<std::size_t>(place), ",");
  }
  return digits;
}

std::string format_cents(std::int64_t cents) {
  const auto size = cents < 0 ? 0 - static_cast<std::uint64_t>(cents) : static_cast<std::uint64_t>(cents);
  const auto rest = size % 100;
  return (cents < 0 ? "-" : "") + format_count(size / 100) + (rest < 10 ? ".0" : ".") + std::to_string(rest);
}

}  // namespace shop

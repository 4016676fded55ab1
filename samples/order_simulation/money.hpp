// Amounts of money as text. Within the program money is whole cents in integers, and never a floating point number.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace shop {

/// A decimal number that was read as money.
struct decimal_cents {
  std::optional<std::int64_t> cents;  // none if the number is not a whole number of cents
};

/// Reads a decimal number such as "2.5", "-10" or "0.001" exactly. Returns none if `text` is not one, or if it does not
/// fit into 64 bits of cents.
std::optional<decimal_cents> parse_cents(std::string_view text);

/// Returns, for example, "1,234.56".
std::string format_cents(std::int64_t cents);

/// Returns, for example, "1,234".
std::string format_count(std::uint64_t count);

}  // namespace shop

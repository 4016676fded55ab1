// Lines of orders and returns, and the rules under which they are accepted. An invoice's lines come in as they were
// written; what is accepted goes into events with a price in whole cents.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tyto/decision.hpp>
#include <tyto/event.hpp>
#include <tyto/result.hpp>
#include <utility>
#include <vector>

namespace shop {

/// A line as somebody asks for it.
struct invoice_line {
  std::string stock_code;
  std::string description;
  std::int64_t quantity = 0;                     // negative on returns
  std::optional<std::int64_t> unit_price_cents;  // none if the price is not in whole cents
};

/// A line as it was agreed.
struct order_line {
  std::string stock_code;
  std::string description;
  std::int64_t quantity = 0;  // at least 1, also on returns
  std::int64_t unit_price_cents = 0;
};
TYTO_VALUE(order_line, stock_code, description, quantity, unit_price_cents)

/// So many units of one stock code.
struct item {
  std::string stock_code;
  std::int64_t units = 0;
  friend bool operator==(const item&, const item&) = default;
};
TYTO_VALUE(item, stock_code, units)

/// Lines that the rules accept.
struct accepted_lines {
  std::vector<order_line> lines;
  std::int64_t total_cents = 0;
};

/// The most units, and the most cents, of one order. Far beyond any real one, and far enough below 2^63 that the sums
/// of nine million such orders are exact.
inline constexpr std::int64_t largest_total = 1'000'000'000'000;

/// Whether an invoice hands goods out or takes them back.
enum class goods { out, back };

/// Returns the lines with positive quantities and the total of an order (`out`) or a return (`back`), or the reason why
/// they are not accepted. The reasons carry no figures, so that rejections can be counted by reason.
inline tyto::result<accepted_lines, tyto::rejection> accept_lines(const std::vector<invoice_line>& asked, goods way) {
  if (asked.empty()) return tyto::reject("no lines");
  accepted_lines accepted;
  std::int64_t units = 0;
  for (const auto& line : asked) {
    if (way == goods::out && line.quantity < 1) return tyto::reject("a quantity is less than 1");
    if (way == goods::back && line.quantity > -1) return tyto::reject("a quantity is greater than -1");
    if (!line.unit_price_cents) return tyto::reject("a unit price is not in whole cents");
    const auto price = *line.unit_price_cents;
    if (price < 1) return tyto::reject("a unit price is less than 0.01");
    const bool countable = line.quantity >= -largest_total && line.quantity <= largest_total;
    const auto quantity = countable && line.quantity < 0 ? -line.quantity : line.quantity;
    // Divide to compare: the product may not fit.
    if (!countable || quantity > largest_total - units || price > (largest_total - accepted.total_cents) / quantity) {
      return tyto::reject("the total is too large");
    }
    units += quantity;
    accepted.total_cents += quantity * price;
    accepted.lines.push_back({line.stock_code, line.description, quantity, price});
  }
  return accepted;
}

/// Returns the units of each stock code, in the order of the codes.
inline std::vector<item> units_per_stock_code(const std::vector<order_line>& lines) {
  std::map<std::string, std::int64_t> units;
  for (const auto& line : lines) units[line.stock_code] += line.quantity;
  std::vector<item> items;
  items.reserve(units.size());
  for (const auto& [stock_code, count] : units) items.push_back({stock_code, count});
  return items;
}

}  // namespace shop

// What the simulation works off: invoices, each an order or a return, out of a file or out of a generator.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "domain/lines.hpp"

namespace shop {

struct invoice {
  std::string number;
  std::string customer;  // may be empty
  std::string country;
  std::string date;
  std::vector<invoice_line> lines;

  [[nodiscard]] bool is_return() const { return number.starts_with('C'); }
};

/// Invoices one after the other.
struct invoice_source {
  std::uint64_t count = 0;
  std::vector<std::string> stock_codes;               // all that occur, in order
  std::function<std::optional<invoice>()> take_next;  // none at the end
};

}  // namespace shop

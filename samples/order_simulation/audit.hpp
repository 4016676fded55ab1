// The audit: does what the journal says add up, and does the read model agree with it?
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "consumers.hpp"
#include "journal_account.hpp"

namespace shop {

/// The read model's answers.
struct read_model_view {
  std::vector<std::pair<std::string, order_row>> orders;
  order_totals totals;
};

/// Returns the figures of all orders as the journal has them.
order_totals totals_of(const journal_account& account);

/// Returns what is wrong, the first thing found, or none: every order ended in exactly one outcome, every charge is
/// kept or refunded, units add up per stock code, revenue equals the sum of completed orders, no dead letter is
/// left, and the read model agrees.
std::optional<std::string> audit(const journal_account& account, const read_model_view& read_model);

}  // namespace shop

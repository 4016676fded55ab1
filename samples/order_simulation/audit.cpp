#include "audit.hpp"

#include <fmt/core.h>

#include "money.hpp"

namespace shop {
namespace {

using finding = std::optional<std::string>;

finding check_outcome(const std::string& id, const order_account& order) {
  if (!order.created) return "order " + id + " has events, but was never created";
  const auto outcomes = order.completions + order.cancellations;
  if (outcomes == 1) return std::nullopt;
  return "order " + id + " ended in " + std::to_string(outcomes) + " outcomes instead of exactly one";
}

finding check_money_of_order(const std::string& id, const order_account& order, const payment_account& payment) {
  const auto kept = payment.charged_cents - payment.refunded_cents;
  if (payment.charges > 0 && payment.declined > 0) return "the payment of order " + id + " is both made and declined";
  if (payment.return_refunds > 0) return "order " + id + " is refunded as if it were a return";
  if (order.completions > 0 && kept != order.total_cents) {
    return "order " + id + " is completed over " + format_cents(order.total_cents) + ", but " + format_cents(kept) +
           " of its charge is kept";
  }
  if (order.cancellations == 0) return std::nullopt;
  if (kept != 0) return "order " + id + " is cancelled, but " + format_cents(kept) + " of its charge is not refunded";
  if (order.reason == payment_was_declined && payment.declined == 0) {
    return "order " + id + " is cancelled because of a declined payment, but none was declined";
  }
  return std::nullopt;
}

finding check_payments(const journal_account& account) {
  for (const auto& [id, order] : account.orders) {
    const auto payment = account.payments.find(id);
    auto found =
        check_money_of_order(id, order, payment == account.payments.end() ? payment_account{} : payment->second);
    if (found) return found;
  }
  for (const auto& [id, given_back] : account.returns) {
    const auto payment = account.payments.find(id);
    const auto refunded = payment == account.payments.end() ? 0 : payment->second.return_refunded_cents;
    if (refunded == given_back.total_cents) continue;
    return fmt::format("return {} is worth {}, but {} is refunded", id, format_cents(given_back.total_cents),
                       format_cents(refunded));
  }
  for (const auto& [id, payment] : account.payments) {
    if (account.orders.contains(id) || account.returns.contains(id)) continue;
    return fmt::format("payment {} belongs to no order and no return", id);
  }
  return std::nullopt;
}

finding check_units_of_order(const std::string& id, const order_account& order) {
  for (const auto& [stock_code, units] : order.held) {
    const auto wanted = order.wanted.find(stock_code);
    const auto due = order.completions > 0 && wanted != order.wanted.end() ? wanted->second : 0;
    if (units == due) continue;
    return fmt::format("order {} holds {} units of {}, but should hold {}", id, units, stock_code, due);
  }
  for (const auto& [stock_code, units] : order.wanted) {
    if (order.completions == 0 || order.held.contains(stock_code)) continue;
    return fmt::format("order {} is completed without its {} units of {}", id, units, stock_code);
  }
  return std::nullopt;
}

finding check_units(const journal_account& account) {
  std::map<std::string, stock_account> due;
  for (const auto& [id, order] : account.orders) {
    if (auto found = check_units_of_order(id, order)) return found;
    if (order.completions == 0) continue;
    for (const auto& [stock_code, units] : order.wanted) due[stock_code].reserved += units;
  }
  for (const auto& [id, given_back] : account.returns) {
    for (const auto& [stock_code, units] : given_back.units) due[stock_code].restocked += units;
  }
  for (const auto& [stock_code, stock] : account.stocks) {
    const auto& expected = due[stock_code];
    if (stock.reserved != expected.reserved) {
      return "stock " + stock_code + ": " + std::to_string(stock.reserved) + " units are gone, completed orders took " +
             std::to_string(expected.reserved);
    }
    if (stock.restocked != expected.restocked) {
      return "stock " + stock_code + ": " + std::to_string(stock.restocked) + " units are restocked, returns brought " +
             std::to_string(expected.restocked);
    }
  }
  for (const auto& [stock_code, expected] : due) {
    if (!account.stocks.contains(stock_code)) return "stock " + stock_code + " was moved, but has no events";
  }
  return std::nullopt;
}

finding check_revenue(const journal_account& account) {
  const auto sum = totals_of(account).revenue_cents;
  if (sum == account.revenue_cents) return std::nullopt;
  return "the revenue is " + format_cents(account.revenue_cents) + ", but completed orders add up to " +
         format_cents(sum);
}

finding check_row(const std::string& id, const order_account& order, const order_row& row) {
  const auto status = order.completions > 0     ? order_status::completed
                      : order.cancellations > 0 ? order_status::cancelled
                                                : order_status::open;
  const order_row due{order.customer, status, order.reason, order.total_cents, order.units};
  if (row == due) return std::nullopt;
  return "the read model has order " + id + " otherwise than the journal";
}

finding check_read_model(const journal_account& account, const read_model_view& read_model) {
  for (const auto& [id, row] : read_model.orders) {
    const auto order = account.orders.find(id);
    if (order == account.orders.end()) return "the read model has order " + id + ", the journal has not";
    if (auto found = check_row(id, order->second, row)) return found;
  }
  if (read_model.orders.size() != account.orders.size()) {
    return "the read model has " + std::to_string(read_model.orders.size()) + " orders, the journal has " +
           std::to_string(account.orders.size());
  }
  if (read_model.totals != totals_of(account)) return "the read model's totals differ from the journal's";
  return std::nullopt;
}

finding check_dead_letters(const journal_account& account) {
  for (const auto& [consumer, letters] : account.dead_letters) {
    if (letters.empty()) continue;
    return fmt::format("{} has not handled {} dead letters, the first one at position {}", consumer, letters.size(),
                       letters.begin()->position);
  }
  return std::nullopt;
}

}  // namespace

order_totals totals_of(const journal_account& account) {
  order_totals sum;
  for (const auto& [id, order] : account.orders) {
    if (order.completions > 0) {
      ++sum.completed;
      sum.revenue_cents += order.total_cents;
      sum.units_sold += order.units;
    } else if (order.cancellations > 0) {
      ++sum.cancelled[order.reason];
    } else {
      ++sum.open;
    }
  }
  return sum;
}

std::optional<std::string> audit(const journal_account& account, const read_model_view& read_model) {
  if (account.first_violation()) return account.first_violation();
  for (const auto& [id, order] : account.orders) {
    if (auto found = check_outcome(id, order)) return found;
  }
  if (auto found = check_payments(account)) return found;
  if (auto found = check_units(account)) return found;
  if (auto found = check_revenue(account)) return found;
  if (auto found = check_dead_letters(account)) return found;
  return check_read_model(account, read_model);
}

}  // namespace shop

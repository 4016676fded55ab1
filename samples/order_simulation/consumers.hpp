// Who reacts to what happens in the shop: billing, inventory and notification, and the read model order_summary. None
// calls another; each turns events into commands, as values, and the runtime carries them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tyto/command.hpp>
#include <tyto/dead_letter.hpp>
#include <tyto/event.hpp>
#include <tyto/table.hpp>
#include <utility>
#include <vector>

#include "domain.hpp"
#include "mail_server.hpp"
#include "money.hpp"
#include "payment_gateway.hpp"

namespace shop {

/// Charges orders and refunds returns.
struct billing {
  static constexpr std::string_view name = "billing";
  using events = tyto::events<order_created, goods_returned>;

  payment_gateway gateway;

  tyto::commands react(const order_created& e, const tyto::metadata& m) const {
    const auto answer = gateway.answer(m.entity_id());
    if (answer == bank_answer::none) return {};
    return {tyto::send<payment>(m.entity_id(), payment::charge{e.total_cents, answer == bank_answer::approved})};
  }
  static tyto::commands react(const goods_returned& e, const tyto::metadata& m) {
    return {tyto::send<payment>(m.entity_id(), payment::refund_return{e.total_cents})};
  }
};

/// Restocks returns.
struct inventory {
  static constexpr std::string_view name = "inventory";

  static tyto::commands react(const goods_returned& e, const tyto::metadata& m) {
    tyto::commands all;
    for (const auto& each : e.items) {
      all.push_back(tyto::send<stock>(each.stock_code, stock::restock{std::string{m.entity_id()}, each.units}));
    }
    return all;
  }
};

/// Tells customers how their order ended. An effect outside of the journal: it may be repeated, and the mail server
/// may be slow or down.
struct notification {
  static constexpr std::string_view name = "notification";
  using events = tyto::events<order_completed, order_cancelled, return_refunded>;

  // A mail server that is down is soon believed, so that other customers do not wait for long.
  static constexpr tyto::failure_policy failures{.retries = 2, .then = tyto::on_failure::park};

  std::shared_ptr<mail_server> mail;

  void react(const order_completed& e, const tyto::metadata& m) const {
    send(m, "to " + addressee(e.customer) + ": your order " + std::string{m.entity_id()} + " over " +
                format_cents(e.total_cents) + " is on its way");
  }
  void react(const order_cancelled& e, const tyto::metadata& m) const {
    send(m,
         "to " + addressee(e.customer) + ": your order " + std::string{m.entity_id()} + " was cancelled, " + e.reason);
  }
  void react(const return_refunded& e, const tyto::metadata& m) const {
    send(m, "return " + std::string{m.entity_id()} + ": we have refunded " + format_cents(e.amount_cents));
  }

 private:
  void send(const tyto::metadata& m, std::string message) const {
    mail->send(m.idempotency_key(name), m.entity_id(), std::move(message));
  }
  static std::string addressee(const std::string& customer) {
    return customer.empty() ? "an unknown customer" : "customer " + customer;
  }
};

enum class order_status : std::uint8_t { open, completed, cancelled };

/// What order_summary knows of one order.
struct order_row {
  std::string customer;
  order_status status = order_status::open;
  std::string reason;  // of the cancellation
  std::int64_t total_cents = 0;
  std::int64_t units = 0;
  friend bool operator==(const order_row&, const order_row&) = default;
};
TYTO_VALUE(order_row, customer, status, reason, total_cents, units)

/// All orders in a few figures.
struct order_totals {
  std::uint64_t open = 0;
  std::uint64_t completed = 0;
  std::map<std::string, std::uint64_t> cancelled;  // by reason
  std::int64_t revenue_cents = 0;                  // of completed orders
  std::int64_t units_sold = 0;                     // in completed orders
  friend bool operator==(const order_totals&, const order_totals&) = default;
};

/// The read model: one row for each order, by its number.
struct order_summary {
  static constexpr std::string_view name = "order_summary.v1";
  using table = tyto::table<std::string, order_row>;
  using events = tyto::events<order_created, order_completed, order_cancelled>;

  static void project(table& orders, const order_created& e, const tyto::metadata& m) {
    order_row row{e.customer, order_status::open, {}, e.total_cents, 0};
    for (const auto& line : e.lines) row.units += line.quantity;
    orders.put(std::string{m.entity_id()}, row);
  }
  static void project(table& orders, const order_completed&, const tyto::metadata& m) {
    orders.update(std::string{m.entity_id()}, [](order_row& row) { row.status = order_status::completed; });
  }
  static void project(table& orders, const order_cancelled& e, const tyto::metadata& m) {
    orders.update(std::string{m.entity_id()}, [&e](order_row& row) {
      row.status = order_status::cancelled;
      row.reason = e.reason;
    });
  }

  /// One order.
  struct find {
    std::string order_id;
  };
  static std::optional<order_row> query(const table& orders, const find& question) {
    return orders.get(question.order_id);
  }

  /// Every order, in the order of the numbers.
  struct list {};
  static std::vector<std::pair<std::string, order_row>> query(const table& orders, const list&) {
    std::vector<std::pair<std::string, order_row>> rows;
    orders.for_each([&rows](const std::string& id, const order_row& row) { rows.emplace_back(id, row); });
    return rows;
  }

  struct totals {};
  static order_totals query(const table& orders, const totals&) {
    order_totals sum;
    orders.for_each([&sum](const std::string&, const order_row& row) {
      if (row.status == order_status::open) ++sum.open;
      if (row.status == order_status::cancelled) ++sum.cancelled[row.reason];
      if (row.status != order_status::completed) return;
      ++sum.completed;
      sum.revenue_cents += row.total_cents;
      sum.units_sold += row.units;
    });
    return sum;
  }
};

}  // namespace shop

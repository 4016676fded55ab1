// The process manager `fulfilment`: what goes on between an order, its payment and the stock, from the order's creation
// to its outcome. One instance for each order, under the same number. It knows what the order waits for: first for its
// payment, for no longer than payment_timeout, then for an answer of every stock code.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <tyto/process_manager.hpp>
#include <utility>
#include <variant>
#include <vector>

#include "domain/order.hpp"
#include "domain/payment.hpp"
#include "domain/stock.hpp"

namespace shop {

/// How long an order waits for its payment.
inline constexpr std::chrono::minutes payment_timeout{15};

struct payment_awaited {
  std::vector<item> items;
  tyto::timestamp until;
};
struct payment_arrived {
  std::vector<item> items;
};
struct payment_refused {};
struct payment_missed {};
struct payment_came_late {};
struct line_reserved {
  std::string stock_code;
};
struct line_short {
  std::string stock_code;
};
struct inventory_reserved {
  std::vector<item> items;
};
struct inventory_short {
  std::vector<std::string> missing;
  std::vector<item> to_release;  // what was reserved before the rest turned out to be missing
};
TYTO_EVENT(payment_awaited, "fulfilment.payment_awaited", items, until)
TYTO_EVENT(payment_arrived, "fulfilment.payment_arrived", items)
TYTO_EVENT(payment_refused, "fulfilment.payment_refused")
TYTO_EVENT(payment_missed, "fulfilment.payment_missed")
TYTO_EVENT(payment_came_late, "fulfilment.payment_came_late")
TYTO_EVENT(line_reserved, "fulfilment.line_reserved", stock_code)
TYTO_EVENT(line_short, "fulfilment.line_short", stock_code)
TYTO_EVENT(inventory_reserved, "inventory.reserved", items)
TYTO_EVENT(inventory_short, "inventory.short", missing, to_release)

struct fulfilment {
  static constexpr std::string_view name = "fulfilment";
  using inputs = tyto::events<order_created, payment_succeeded, payment_declined, stock_reserved, stock_short>;
  using event = std::variant<payment_awaited, payment_arrived, payment_refused, payment_missed, payment_came_late,
                             line_reserved, line_short, inventory_reserved, inventory_short>;

  enum class phase {
    awaiting_payment,  // next: awaiting_stock, unpaid, over
    awaiting_stock,    // waits for an answer of every stock code; next: over
    unpaid,            // the order is cancelled; should its payment still come, it is refunded; next: over
    over,              // the end
  };
  struct state {
    phase at = phase::awaiting_payment;
    std::vector<item> items;
    std::map<std::string, bool, std::less<>> answers;  // stock code: whether it was reserved
  };
  static bool is_over(const state& now) { return now.at == phase::over; }

  static tyto::correlation correlate(const order_created&, const tyto::metadata& m) {
    return tyto::starts(m.entity_id());
  }
  static tyto::correlation correlate(const payment_succeeded&, const tyto::metadata& m) {
    return tyto::continues(m.entity_id());
  }
  static tyto::correlation correlate(const payment_declined&, const tyto::metadata& m) {
    return tyto::continues(m.entity_id());
  }
  static tyto::correlation correlate(const stock_reserved& e, const tyto::metadata&) {
    return tyto::continues(e.order_id);
  }
  static tyto::correlation correlate(const stock_short& e, const tyto::metadata&) {
    return tyto::continues(e.order_id);
  }

  static tyto::decision<event> on(const state& now, const order_created& e, const tyto::metadata& m) {
    if (!now.items.empty()) return tyto::nothing;
    return payment_awaited{units_per_stock_code(e.lines), m.time + payment_timeout};
  }
  static tyto::decision<event> on(const state& now, const payment_succeeded&, const tyto::metadata&) {
    if (now.at == phase::unpaid) return payment_came_late{};
    if (now.at != phase::awaiting_payment) return tyto::nothing;
    return payment_arrived{now.items};
  }
  static tyto::decision<event> on(const state& now, const payment_declined&, const tyto::metadata&) {
    if (now.at != phase::awaiting_payment) return tyto::nothing;
    return payment_refused{};
  }
  static tyto::decision<event> on(const state& now, const tyto::deadline&) {
    if (now.at != phase::awaiting_payment) return tyto::nothing;
    return payment_missed{};
  }
  static tyto::decision<event> on(const state& now, const stock_reserved&, const tyto::metadata& m) {
    return answered(now, m.entity_id(), line_reserved{std::string{m.entity_id()}}, true);
  }
  static tyto::decision<event> on(const state& now, const stock_short&, const tyto::metadata& m) {
    return answered(now, m.entity_id(), line_short{std::string{m.entity_id()}}, false);
  }

  static state evolve(const state&, const payment_awaited& e) { return {phase::awaiting_payment, e.items, {}}; }
  static state evolve(state now, const payment_arrived&) { return {phase::awaiting_stock, std::move(now.items), {}}; }
  static state evolve(const state&, const payment_missed&) { return {phase::unpaid, {}, {}}; }
  static state evolve(state now, const line_reserved& e) {
    now.answers[e.stock_code] = true;
    return now;
  }
  static state evolve(state now, const line_short& e) {
    now.answers[e.stock_code] = false;
    return now;
  }
  static state evolve(const state&, const payment_refused&) { return {phase::over, {}, {}}; }
  static state evolve(const state&, const payment_came_late&) { return {phase::over, {}, {}}; }
  static state evolve(const state&, const inventory_reserved&) { return {phase::over, {}, {}}; }
  static state evolve(const state&, const inventory_short&) { return {phase::over, {}, {}}; }

  static tyto::steps then(const payment_awaited& e, const std::string&) {
    return {tyto::set_deadline{"payment", e.until}};
  }
  static tyto::steps then(const payment_arrived& e, const std::string& order_id) {
    tyto::steps all{tyto::cancel_deadline{"payment"}};
    for (const auto& each : e.items) {
      all.emplace_back(tyto::send<stock>(each.stock_code, stock::reserve{order_id, each.units}));
    }
    return all;
  }
  static tyto::steps then(const payment_refused&, const std::string& order_id) {
    return {tyto::cancel_deadline{"payment"},
            tyto::send<order>(order_id, order::cancel{std::string{payment_was_declined}})};
  }
  static tyto::steps then(const payment_missed&, const std::string& order_id) {
    return {tyto::send<order>(order_id, order::cancel{std::string{payment_timed_out}})};
  }
  static tyto::steps then(const payment_came_late&, const std::string& order_id) {
    return {tyto::send<payment>(order_id, payment::refund{})};
  }
  static tyto::steps then(const inventory_reserved&, const std::string& order_id) {
    return {tyto::send<order>(order_id, order::complete{})};
  }
  static tyto::steps then(const inventory_short& e, const std::string& order_id) {
    tyto::steps all;
    for (const auto& each : e.to_release) {
      all.emplace_back(tyto::send<stock>(each.stock_code, stock::release{order_id}));
    }
    all.emplace_back(tyto::send<payment>(order_id, payment::refund{}));
    all.emplace_back(tyto::send<order>(order_id, order::cancel{std::string{out_of_stock}}));
    return all;
  }

 private:
  static tyto::decision<event> answered(const state& now, std::string_view stock_code, event answer, bool reserved) {
    if (now.at != phase::awaiting_stock || now.answers.contains(stock_code)) return tyto::nothing;
    std::vector<event> events{std::move(answer)};
    if (now.answers.size() + 1 == now.items.size()) events.push_back(outcome(now, stock_code, reserved));
    return events;
  }

  // The answer of `last` is not among the others yet.
  static event outcome(const state& now, std::string_view last, bool last_is_reserved) {
    inventory_short lacking;
    for (const auto& each : now.items) {
      const bool reserved = each.stock_code == last ? last_is_reserved : now.answers.at(each.stock_code);
      if (reserved) {
        lacking.to_release.push_back(each);
      } else {
        lacking.missing.push_back(each.stock_code);
      }
    }
    if (lacking.missing.empty()) return inventory_reserved{now.items};
    return lacking;
  }
};

}  // namespace shop

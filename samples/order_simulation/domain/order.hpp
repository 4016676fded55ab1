// The aggregate `order`: from its creation over payment and reservation to the one outcome that every order has. It
// knows its lines; what others found out about payment and stock it is told by commands, which may be repeated and may
// come late.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tyto/decision.hpp>
#include <tyto/event.hpp>
#include <utility>
#include <variant>
#include <vector>

#include "domain/lines.hpp"

namespace shop {

inline constexpr std::string_view payment_was_declined = "payment declined";
inline constexpr std::string_view out_of_stock = "out of stock";

struct order_created {
  std::string customer;
  std::string country;
  std::string ordered_at;
  std::vector<order_line> lines;
  std::int64_t total_cents = 0;
};
struct order_paid {
  std::vector<item> items;
};
struct order_line_reserved {
  std::string stock_code;
};
struct order_line_short {
  std::string stock_code;
};
struct inventory_reserved {
  std::vector<item> items;
};
struct inventory_short {
  std::vector<std::string> missing;
  std::vector<item> to_release;  // what was reserved before the rest turned out to be missing
};
struct order_completed {
  std::string customer;
  std::int64_t total_cents = 0;
  std::int64_t units = 0;
};
struct order_cancelled {
  std::string customer;
  std::string reason;
};
TYTO_EVENT(order_created, "order.created", customer, country, ordered_at, lines, total_cents)
TYTO_EVENT(order_paid, "order.paid", items)
TYTO_EVENT(order_line_reserved, "order.line_reserved", stock_code)
TYTO_EVENT(order_line_short, "order.line_short", stock_code)
TYTO_EVENT(inventory_reserved, "inventory.reserved", items)
TYTO_EVENT(inventory_short, "inventory.short", missing, to_release)
TYTO_EVENT(order_completed, "order.completed", customer, total_cents, units)
TYTO_EVENT(order_cancelled, "order.cancelled", customer, reason)

struct order {
  static constexpr std::string_view category = "order";

  struct create {
    std::string customer;
    std::string country;
    std::string ordered_at;
    std::vector<invoice_line> lines;
  };
  struct record_payment {};
  struct record_reservation {
    std::string stock_code;
    bool reserved = false;
  };
  struct complete {};
  struct cancel {
    std::string reason;
  };

  using command = std::variant<create, record_payment, record_reservation, complete, cancel>;
  using event = std::variant<order_created, order_paid, order_line_reserved, order_line_short, inventory_reserved,
                             inventory_short, order_completed, order_cancelled>;

  enum class phase {
    unknown,    // next: placed
    placed,     // waits for its payment; next: paid, cancelled
    paid,       // waits for an answer of every stock code; next: reserved, lacking
    reserved,   // next: completed
    lacking,    // a stock code had too little; next: cancelled
    completed,  // the end
    cancelled,  // the end
  };

  struct state {
    phase at = phase::unknown;
    std::string customer;
    std::int64_t total_cents = 0;
    std::vector<item> items;
    std::map<std::string, bool, std::less<>> answers;  // stock code: whether it was reserved
  };

  static tyto::decision<event> decide(const state& now, const create& c) {
    if (now.at != phase::unknown) return tyto::reject("the order exists already");
    auto accepted = accept_lines(c.lines, goods::out);
    if (!accepted) return accepted.error();
    return order_created{c.customer, c.country, c.ordered_at, std::move(accepted->lines), accepted->total_cents};
  }

  static tyto::decision<event> decide(const state& now, const record_payment&) {
    if (now.at == phase::unknown) return no_such_order();
    if (now.at != phase::placed) return tyto::nothing;
    return order_paid{now.items};
  }

  static tyto::decision<event> decide(const state& now, const record_reservation& c) {
    if (now.at == phase::unknown || now.at == phase::placed) return tyto::reject("the order is not paid");
    if (now.at != phase::paid || now.answers.contains(c.stock_code)) return tyto::nothing;
    if (!has_item(now, c.stock_code)) return tyto::reject("the order has no line of this stock code");

    std::vector<event> events;
    if (c.reserved) {
      events.emplace_back(order_line_reserved{c.stock_code});
    } else {
      events.emplace_back(order_line_short{c.stock_code});
    }
    if (now.answers.size() + 1 == now.items.size()) events.push_back(reservation_outcome(now, c));
    return events;
  }

  static tyto::decision<event> decide(const state& now, const complete&) {
    if (now.at == phase::completed) return tyto::nothing;
    if (now.at != phase::reserved) return tyto::reject("the order's goods are not reserved");
    std::int64_t units = 0;
    for (const auto& each : now.items) units += each.units;
    return order_completed{now.customer, now.total_cents, units};
  }

  static tyto::decision<event> decide(const state& now, const cancel& c) {
    if (now.at == phase::unknown) return no_such_order();
    if (now.at == phase::cancelled) return tyto::nothing;
    if (now.at != phase::placed && now.at != phase::lacking)
      return tyto::reject("the order can no longer be cancelled");
    return order_cancelled{now.customer, c.reason};
  }

  static state evolve(state now, const order_created& e) {
    now.at = phase::placed;
    now.customer = e.customer;
    now.total_cents = e.total_cents;
    now.items = units_per_stock_code(e.lines);
    return now;
  }
  static state evolve(state now, const order_paid&) { return at(std::move(now), phase::paid); }
  static state evolve(state now, const order_line_reserved& e) { return answered(std::move(now), e.stock_code, true); }
  static state evolve(state now, const order_line_short& e) { return answered(std::move(now), e.stock_code, false); }
  static state evolve(state now, const inventory_reserved&) { return at(std::move(now), phase::reserved); }
  static state evolve(state now, const inventory_short&) { return at(std::move(now), phase::lacking); }
  static state evolve(const state&, const order_completed&) { return ended(phase::completed); }
  static state evolve(const state&, const order_cancelled&) { return ended(phase::cancelled); }

 private:
  static tyto::rejection no_such_order() { return tyto::reject("there is no such order"); }

  static state at(state now, phase next) {
    now.at = next;
    return now;
  }
  static state answered(state now, const std::string& stock_code, bool reserved) {
    now.answers[stock_code] = reserved;
    return now;
  }

  // An order that has ended may stay in memory for long, so it keeps only what it needs to say so.
  static state ended(phase at) {
    state end;
    end.at = at;
    return end;
  }

  static bool has_item(const state& now, std::string_view stock_code) {
    for (const auto& each : now.items) {
      if (each.stock_code == stock_code) return true;
    }
    return false;
  }

  static event reservation_outcome(const state& now, const record_reservation& last) {
    inventory_short lacking;
    for (const auto& each : now.items) {
      const auto answer = now.answers.find(each.stock_code);
      const bool reserved = answer == now.answers.end() ? last.reserved : answer->second;
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

// The aggregate `stock`: the units of one stock code, what is on hand and what was reserved for whom. It remembers
// every order and return that it has served, so that a repeated command changes nothing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tyto/decision.hpp>
#include <tyto/event.hpp>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>

#include "domain/lines.hpp"

namespace shop {

struct stock_received {
  std::int64_t units = 0;
};
struct stock_reserved {
  std::string order_id;
  std::int64_t units = 0;
};
struct stock_short {
  std::string order_id;
  std::int64_t units = 0;    // asked for
  std::int64_t on_hand = 0;  // too few
};
struct stock_released {
  std::string order_id;
  std::int64_t units = 0;
};
struct stock_restocked {
  std::string return_id;
  std::int64_t units = 0;
};
TYTO_EVENT(stock_received, "stock.received", units)
TYTO_EVENT(stock_reserved, "stock.reserved", order_id, units)
TYTO_EVENT(stock_short, "stock.short", order_id, units, on_hand)
TYTO_EVENT(stock_released, "stock.released", order_id, units)
TYTO_EVENT(stock_restocked, "stock.restocked", return_id, units)

struct stock {
  static constexpr std::string_view category = "stock";

  struct receive {
    std::int64_t units = 0;
  };
  struct reserve {
    std::string order_id;
    std::int64_t units = 0;
  };
  struct release {
    std::string order_id;
  };
  struct restock {
    std::string return_id;
    std::int64_t units = 0;
  };

  using command = std::variant<receive, reserve, release, restock>;
  using event = std::variant<stock_received, stock_reserved, stock_short, stock_released, stock_restocked>;

  struct state {
    std::int64_t on_hand = 0;
    std::unordered_map<std::string, std::int64_t> reserved;  // order: units, 0 once released or if there were too few
    std::unordered_set<std::string> restocked;               // returns
  };

  static tyto::decision<event> decide(const state&, const receive& c) {
    if (c.units < 0 || c.units > largest_total) return tyto::reject("no stock takes so many units");
    if (c.units == 0) return tyto::nothing;
    return stock_received{c.units};
  }
  static tyto::decision<event> decide(const state& now, const reserve& c) {
    if (now.reserved.contains(c.order_id)) return tyto::nothing;
    if (c.units < 1) return tyto::reject("less than 1 unit cannot be reserved");
    if (c.units > now.on_hand) return stock_short{c.order_id, c.units, now.on_hand};
    return stock_reserved{c.order_id, c.units};
  }
  static tyto::decision<event> decide(const state& now, const release& c) {
    const auto reservation = now.reserved.find(c.order_id);
    if (reservation == now.reserved.end()) return tyto::reject("nothing was reserved for this order");
    if (reservation->second == 0) return tyto::nothing;
    return stock_released{c.order_id, reservation->second};
  }
  static tyto::decision<event> decide(const state& now, const restock& c) {
    if (now.restocked.contains(c.return_id)) return tyto::nothing;
    if (c.units < 1) return tyto::reject("less than 1 unit cannot be restocked");
    return stock_restocked{c.return_id, c.units};
  }

  static state evolve(state now, const stock_received& e) {
    now.on_hand += e.units;
    return now;
  }
  static state evolve(state now, const stock_reserved& e) {
    now.on_hand -= e.units;
    now.reserved[e.order_id] = e.units;
    return now;
  }
  static state evolve(state now, const stock_short& e) {
    now.reserved[e.order_id] = 0;
    return now;
  }
  static state evolve(state now, const stock_released& e) {
    now.on_hand += e.units;
    now.reserved[e.order_id] = 0;
    return now;
  }
  static state evolve(state now, const stock_restocked& e) {
    now.on_hand += e.units;
    now.restocked.insert(e.return_id);
    return now;
  }
};

TYTO_VALUE(stock::reserve, order_id, units)
TYTO_VALUE(stock::release, order_id)
TYTO_VALUE(stock::restock, return_id, units)

}  // namespace shop

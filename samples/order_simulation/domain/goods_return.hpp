// The aggregate `goods_return`: goods that a customer sends back. It does not ask for the order that they came with:
// shops take back goods that were bought elsewhere or long ago, and so does the data that the sample imports.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tyto/decision.hpp>
#include <tyto/event.hpp>
#include <utility>
#include <variant>
#include <vector>

#include "domain/lines.hpp"

namespace shop {

struct goods_returned {
  std::string customer;
  std::string returned_at;
  std::vector<order_line> lines;
  std::vector<item> items;
  std::int64_t total_cents = 0;
};
TYTO_EVENT(goods_returned, "goods.returned", customer, returned_at, lines, items, total_cents)

struct goods_return {
  static constexpr std::string_view category = "goods_return";

  struct accept {
    std::string customer;
    std::string returned_at;
    std::vector<invoice_line> lines;  // with negative quantities
  };

  using command = std::variant<accept>;
  using event = std::variant<goods_returned>;
  struct state {
    bool accepted = false;
  };

  static tyto::decision<event> decide(const state& now, const accept& c) {
    if (now.accepted) return tyto::reject("the return was accepted already");
    auto accepted = accept_lines(c.lines, goods::back);
    if (!accepted) return accepted.error();
    auto items = units_per_stock_code(accepted->lines);
    return goods_returned{c.customer, c.returned_at, std::move(accepted->lines), std::move(items),
                          accepted->total_cents};
  }

  static state evolve(state, const goods_returned&) { return {true}; }
};

}  // namespace shop

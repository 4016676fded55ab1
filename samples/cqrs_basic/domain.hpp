// The write model: what may happen to a product of a shop's catalogue, and what has happened. It keeps no more state
// than its decisions need; nobody asks it questions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tyto/decision.hpp>
#include <tyto/event.hpp>
#include <variant>

namespace catalogue {

struct product_listed {
  std::string title;
  std::int64_t price_cents = 0;
};
struct price_changed {
  std::int64_t price_cents = 0;
};
struct product_withdrawn {};
TYTO_EVENT(product_listed, "product.listed", title, price_cents)
TYTO_EVENT(price_changed, "product.price_changed", price_cents)
TYTO_EVENT(product_withdrawn, "product.withdrawn")

struct product {
  static constexpr std::string_view category = "product";

  struct list {
    std::string title;
    std::int64_t price_cents = 0;
  };
  struct change_price {
    std::int64_t price_cents = 0;
  };
  struct withdraw {};

  using command = std::variant<list, change_price, withdraw>;
  using event = std::variant<product_listed, price_changed, product_withdrawn>;

  struct state {
    bool is_listed = false;
    std::int64_t price_cents = 0;
  };

  static tyto::decision<event> decide(const state& now, const list& c) {
    if (now.is_listed) return tyto::reject("the product is listed already");
    if (c.price_cents < 1) return tyto::reject("a price is at least 0.01");
    return product_listed{c.title, c.price_cents};
  }
  static tyto::decision<event> decide(const state& now, const change_price& c) {
    if (!now.is_listed) return tyto::reject("the product is not listed");
    if (c.price_cents < 1) return tyto::reject("a price is at least 0.01");
    if (c.price_cents == now.price_cents) return tyto::nothing;
    return price_changed{c.price_cents};
  }
  static tyto::decision<event> decide(const state& now, const withdraw&) {
    if (!now.is_listed) return tyto::reject("the product is not listed");
    return product_withdrawn{};
  }

  static state evolve(const state&, const product_listed& e) { return {true, e.price_cents}; }
  static state evolve(const state&, const price_changed& e) { return {true, e.price_cents}; }
  static state evolve(const state&, const product_withdrawn&) { return {}; }
};

}  // namespace catalogue

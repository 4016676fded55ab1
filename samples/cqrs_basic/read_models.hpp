// The read side: two shapes of what customers look at, each made of the write model's events alone. The second one came
// later. It has a name of its own, so it is built from the first event on, beside the one that is in use.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <tyto/event.hpp>
#include <tyto/metadata.hpp>
#include <tyto/table.hpp>
#include <utility>
#include <vector>

#include "domain.hpp"

namespace catalogue {

/// What is on offer, by the product's number.
struct offer {
  std::string title;
  std::int64_t price_cents = 0;
};
TYTO_VALUE(offer, title, price_cents)

struct offers {
  static constexpr std::string_view name = "offers.v1";
  using table = tyto::table<std::string, offer>;
  using events = tyto::events<product_listed, price_changed, product_withdrawn>;

  static void project(table& rows, const product_listed& e, const tyto::metadata& m) {
    rows.put(std::string{m.entity_id()}, {e.title, e.price_cents});
  }
  static void project(table& rows, const price_changed& e, const tyto::metadata& m) {
    rows.update(std::string{m.entity_id()}, [&e](offer& row) { row.price_cents = e.price_cents; });
  }
  static void project(table& rows, const product_withdrawn&, const tyto::metadata& m) {
    rows.erase(std::string{m.entity_id()});
  }

  struct all {};
  static std::vector<offer> query(const table& rows, const all&) {
    std::vector<offer> found;
    rows.for_each([&found](const std::string&, const offer& row) { found.push_back(row); });
    return found;
  }
};

/// What is on offer, with what it once cost: the first shape has thrown that away, the journal has not.
struct offer_with_history {
  std::string title;
  std::int64_t price_cents = 0;
  std::int64_t highest_cents = 0;
  std::uint32_t changes = 0;
};
TYTO_VALUE(offer_with_history, title, price_cents, highest_cents, changes)

struct offers_with_history {
  static constexpr std::string_view name = "offers.v2";
  using table = tyto::table<std::string, offer_with_history>;
  using events = offers::events;

  static void project(table& rows, const product_listed& e, const tyto::metadata& m) {
    rows.put(std::string{m.entity_id()}, {e.title, e.price_cents, e.price_cents, 0});
  }
  static void project(table& rows, const price_changed& e, const tyto::metadata& m) {
    rows.update(std::string{m.entity_id()}, [&e](offer_with_history& row) {
      row.price_cents = e.price_cents;
      row.highest_cents = std::max(row.highest_cents, e.price_cents);
      ++row.changes;
    });
  }
  static void project(table& rows, const product_withdrawn&, const tyto::metadata& m) {
    rows.erase(std::string{m.entity_id()});
  }

  struct all {};
  static std::vector<offer_with_history> query(const table& rows, const all&) {
    std::vector<offer_with_history> found;
    rows.for_each([&found](const std::string&, const offer_with_history& row) { found.push_back(row); });
    return found;
  }
};

}  // namespace catalogue

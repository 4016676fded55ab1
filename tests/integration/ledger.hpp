// A domain with a chain: an account that is debited leads to a receipt for its owner, through a reaction.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "support/long_enough.hpp"
#include "tyto/tyto.hpp"

namespace tyto::test {

struct credited {
  std::int64_t cents = 0;
};
struct debited {
  std::int64_t cents = 0;
};
struct receipt_printed {
  std::int64_t cents = 0;
};
TYTO_EVENT(credited, "account.credited", cents)
TYTO_EVENT(debited, "account.debited", cents)
TYTO_EVENT(receipt_printed, "receipt.printed", cents)

struct credit {
  std::int64_t cents = 0;
};
struct debit {
  std::int64_t cents = 0;
};

struct account {
  static constexpr std::string_view category = "account";
  using command = std::variant<credit, debit>;
  using event = std::variant<credited, debited>;
  struct state {
    std::int64_t cents = 0;
  };
  static decision<event> decide(const state&, const credit& c) { return credited{c.cents}; }
  static decision<event> decide(const state& s, const debit& c) {
    if (c.cents > s.cents) return reject("only " + std::to_string(s.cents) + " cents are left");
    return debited{c.cents};
  }
  static state evolve(state s, const credited& e) { return {s.cents + e.cents}; }
  static state evolve(state s, const debited& e) { return {s.cents - e.cents}; }
};

struct print_receipt {
  std::int64_t cents = 0;
};

struct receipts {
  static constexpr std::string_view category = "receipts";
  using command = std::variant<print_receipt>;
  using event = std::variant<receipt_printed>;
  struct state {};
  static decision<event> decide(const state&, const print_receipt& c) { return receipt_printed{c.cents}; }
  static state evolve(state s, const receipt_printed&) { return s; }
};

struct printing {
  static constexpr std::string_view name = "printing";
  static commands react(const debited& e, const metadata& m) {
    return {send<receipts>(m.entity_id(), print_receipt{e.cents})};
  }
};

struct turnover {
  static constexpr std::string_view name = "turnover";
  using events = tyto::events<credited, receipt_printed>;
  struct row {
    std::int64_t credited = 0;
    std::int64_t receipts = 0;
    bool operator==(const row&) const = default;
  };
  using table = tyto::table<std::string, row>;
  static void project(table& rows, const credited& e, const metadata& m) {
    rows.update(std::string{m.entity_id()}, [&](row& r) { r.credited += e.cents; });
  }
  static void project(table& rows, const receipt_printed& e, const metadata& m) {
    rows.update(std::string{m.entity_id()}, [&](row& r) { r.receipts += e.cents; });
  }
  struct of {
    std::string owner;
  };
  static row query(const table& rows, const of& q) { return rows.get(q.owner).value_or(row{}); }
};
TYTO_VALUE(turnover::row, credited, receipts)

inline command_options with_id(std::string id) {
  command_options options;
  options.command_id = std::move(id);
  return options;
}

inline runtime_options quiet() {
  runtime_options options;
  options.log = [](std::string_view) {};
  options.min_backoff = std::chrono::milliseconds{1};
  options.max_backoff = std::chrono::milliseconds{5};
  return options;
}

}  // namespace tyto::test

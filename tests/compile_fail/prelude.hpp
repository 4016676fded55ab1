// A small and complete domain, into which each case brings one mistake.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "tyto/aggregate.hpp"
#include "tyto/consumer.hpp"

struct opened {
  std::string owner;
};
struct closed {
  std::int64_t total_cents = 0;
};
TYTO_EVENT(opened, "account.opened", owner)
TYTO_EVENT(closed, "account.closed", total_cents)

struct open_account {
  std::string owner;
};
struct close_account {};

struct account {
  static constexpr std::string_view category = "account";
  using command = std::variant<open_account, close_account>;
  using event = std::variant<opened, closed>;
  struct state {
    bool is_open = false;
  };
  static tyto::decision<event> decide(const state&, const open_account& c) { return opened{c.owner}; }
  static tyto::decision<event> decide(const state&, const close_account&) { return closed{}; }
  static state evolve(state, const opened&) { return {true}; }
  static state evolve(state, const closed&) { return {false}; }
};

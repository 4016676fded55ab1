// What a journal of the shop says, event by event: a second opinion that shares nothing with the aggregates' own
// evolve(). The audit and the report are made from it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tyto/dead_letter.hpp>
#include <tyto/event_store.hpp>
#include <vector>

#include "domain.hpp"
#include "story.hpp"

namespace shop {

struct order_account {
  bool created = false;
  std::string customer;
  std::int64_t total_cents = 0;
  std::int64_t units = 0;
  std::map<std::string, std::int64_t> wanted;  // units by stock code
  std::map<std::string, std::int64_t> held;    // units by stock code, reserved and not released
  std::uint32_t completions = 0;
  std::uint32_t cancellations = 0;
  std::string reason;  // of the cancellation
};

struct payment_account {
  std::uint32_t declined = 0;
  std::uint32_t charges = 0;
  std::uint32_t refunds = 0;
  std::uint32_t return_refunds = 0;
  std::int64_t charged_cents = 0;
  std::int64_t refunded_cents = 0;         // of the charge
  std::int64_t return_refunded_cents = 0;  // of a return, which has no charge of its own
};

struct stock_account {
  std::int64_t on_hand = 0;
  std::int64_t reserved = 0;  // and not released
  std::int64_t restocked = 0;
};

struct return_account {
  std::uint32_t accepted = 0;
  std::int64_t total_cents = 0;
  std::map<std::string, std::int64_t> units;  // by stock code
};

/// The accounts of everything that is in a journal.
class journal_account {
 public:
  /// Takes the next event. What contradicts the events before it is noted, the first time.
  void take(const tyto::event_view& event);
  /// Notes that something is wrong, unless something was before.
  void object(std::string violation);

  [[nodiscard]] const std::optional<std::string>& first_violation() const { return first_violation_; }

  std::map<std::string, order_account> orders;
  std::map<std::string, payment_account> payments;
  std::map<std::string, stock_account> stocks;
  std::map<std::string, return_account> returns;
  std::map<std::string, std::set<tyto::delivery_id>> dead_letters;  // by consumer's record
  std::map<std::string, std::uint64_t> events_by_type;
  std::uint64_t events_total = 0;
  std::int64_t revenue_cents = 0;  // as the completions say
  story_collector story;

 private:
  template <class E>
  void decode_and_apply(const tyto::event_view& event);
  template <class... Es>
  void dispatch(tyto::events<Es...>, const tyto::event_view& event);

  void object_at(const tyto::metadata& m, const std::string& what);
  order_account& open_order(const std::string& id, const tyto::metadata& m);

  void apply(const order_created& e, const tyto::metadata& m);
  void apply(const order_completed& e, const tyto::metadata& m);
  void apply(const order_cancelled& e, const tyto::metadata& m);
  void apply(const payment_succeeded& e, const tyto::metadata& m);
  void apply(const payment_declined& e, const tyto::metadata& m);
  void apply(const payment_refunded& e, const tyto::metadata& m);
  void apply(const return_refunded& e, const tyto::metadata& m);
  void apply(const stock_received& e, const tyto::metadata& m);
  void apply(const stock_reserved& e, const tyto::metadata& m);
  void apply(const stock_short& e, const tyto::metadata& m);
  void apply(const stock_released& e, const tyto::metadata& m);
  void apply(const stock_restocked& e, const tyto::metadata& m);
  void apply(const goods_returned& e, const tyto::metadata& m);
  void apply(const payment_came_late& e, const tyto::metadata& m);
  template <class E>
  void apply(const E& step, const tyto::metadata& m);
  void apply(const tyto::event_parked& e, const tyto::metadata& m);
  void apply(const tyto::event_released& e, const tyto::metadata& m);

  std::optional<std::string> first_violation_;
};

/// Returns what the journal begins with if that is none of the shop's events: it belongs to another program.
tyto::result<std::optional<std::string>> foreign_event(const tyto::event_store& journal);

/// Reads the whole journal once, unless `stop_asked` says so before its end. That it cannot be read to its end is a
/// violation too.
journal_account account_for(const tyto::event_store& journal, const std::function<bool()>& stop_asked = {});

}  // namespace shop

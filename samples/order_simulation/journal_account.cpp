#include "journal_account.hpp"

#include <algorithm>
#include <utility>

namespace shop {
namespace {

using every_event =
    tyto::events<order_created, order_completed, order_cancelled, payment_succeeded, payment_declined, payment_refunded,
                 return_refunded, stock_received, stock_reserved, stock_short, stock_released, stock_restocked,
                 goods_returned, payment_awaited, payment_arrived, payment_refused, payment_missed, payment_came_late,
                 line_reserved, line_short, inventory_reserved, inventory_short, tyto::deadline_reached,
                 tyto::event_parked, tyto::event_released>;

template <class... Es>
bool has_type(tyto::events<Es...>, std::string_view type) {
  return ((type == tyto::stored_name<Es>) || ...);
}

std::string entity(const tyto::metadata& m) { return std::string{m.entity_id()}; }

}  // namespace

void journal_account::take(const tyto::event_view& event) {
  ++events_total;
  ++events_by_type[event.meta.type];
  if (event.meta.position != events_total) {
    object_at(event.meta, "event " + std::to_string(events_total) + " of the journal has another position");
  }
  story.take(event.meta);
  dispatch(every_event{}, event);
}

void journal_account::object(std::string violation) {
  if (!first_violation_) first_violation_ = std::move(violation);
}

void journal_account::object_at(const tyto::metadata& m, const std::string& what) {
  object("position " + std::to_string(m.position) + " (" + m.type + "): " + what);
}

template <class... Es>
void journal_account::dispatch(tyto::events<Es...>, const tyto::event_view& event) {
  const bool known = ((event.meta.type == tyto::stored_name<Es> && (decode_and_apply<Es>(event), true)) || ...);
  if (!known) object_at(event.meta, "the shop has no such event");
}

template <class E>
void journal_account::decode_and_apply(const tyto::event_view& event) {
  const auto value = tyto::from_bytes<E>(event.payload);
  if (!value) return object_at(event.meta, value.error().message());
  apply(*value, event.meta);
}

// The account of an order that must exist and must not have ended.
order_account& journal_account::open_order(const std::string& id, const tyto::metadata& m) {
  auto& order = orders[id];
  if (!order.created) object_at(m, "order " + id + " was never created");
  if (order.completions + order.cancellations > 0) object_at(m, "order " + id + " has ended before");
  return order;
}

void journal_account::apply(const order_created& e, const tyto::metadata& m) {
  auto& order = orders[entity(m)];
  if (std::exchange(order.created, true)) object_at(m, "order " + entity(m) + " is created twice");
  order.customer = e.customer;
  order.total_cents = e.total_cents;
  std::int64_t sum_cents = 0;
  for (const auto& line : e.lines) {
    order.wanted[line.stock_code] += line.quantity;
    order.units += line.quantity;
    sum_cents += line.quantity * line.unit_price_cents;
  }
  if (sum_cents != e.total_cents) object_at(m, "order " + entity(m) + ": its lines do not add up to its total");
}

void journal_account::apply(const order_completed& e, const tyto::metadata& m) {
  auto& order = open_order(entity(m), m);
  ++order.completions;
  revenue_cents += e.total_cents;
  if (e.total_cents != order.total_cents || e.units != order.units) {
    object_at(m, "order " + entity(m) + " is completed with another total than it was created with");
  }
}

void journal_account::apply(const order_cancelled& e, const tyto::metadata& m) {
  auto& order = open_order(entity(m), m);
  ++order.cancellations;
  order.reason = e.reason;
}

void journal_account::apply(const payment_succeeded& e, const tyto::metadata& m) {
  auto& payment = payments[entity(m)];
  if (++payment.charges > 1) object_at(m, "payment " + entity(m) + " is charged twice");
  payment.charged_cents += e.amount_cents;
}

void journal_account::apply(const payment_declined&, const tyto::metadata& m) { ++payments[entity(m)].declined; }

void journal_account::apply(const payment_refunded& e, const tyto::metadata& m) {
  auto& payment = payments[entity(m)];
  if (++payment.refunds > 1) object_at(m, "payment " + entity(m) + " is refunded twice");
  payment.refunded_cents += e.amount_cents;
  if (payment.refunded_cents > payment.charged_cents) {
    object_at(m, "payment " + entity(m) + ": more is refunded than was charged");
  }
}

void journal_account::apply(const return_refunded& e, const tyto::metadata& m) {
  auto& payment = payments[entity(m)];
  if (++payment.return_refunds > 1) object_at(m, "return " + entity(m) + " is refunded twice");
  payment.return_refunded_cents += e.amount_cents;
  if (!returns.contains(entity(m))) object_at(m, "return " + entity(m) + " is refunded, but was never accepted");
}

void journal_account::apply(const stock_received& e, const tyto::metadata& m) { stocks[entity(m)].on_hand += e.units; }

void journal_account::apply(const stock_reserved& e, const tyto::metadata& m) {
  auto& stock = stocks[entity(m)];
  if (e.units > stock.on_hand) {
    object_at(m, "stock " + entity(m) + ": " + std::to_string(e.units) + " units are reserved, " +
                     std::to_string(stock.on_hand) + " are there");
  }
  stock.on_hand -= e.units;
  stock.reserved += e.units;
  open_order(e.order_id, m).held[entity(m)] += e.units;
}

void journal_account::apply(const stock_short& e, const tyto::metadata& m) {
  if (e.units <= stocks[entity(m)].on_hand) object_at(m, "stock " + entity(m) + " has enough for " + e.order_id);
}

void journal_account::apply(const stock_released& e, const tyto::metadata& m) {
  auto& stock = stocks[entity(m)];
  stock.on_hand += e.units;
  stock.reserved -= e.units;
  auto& held = orders[e.order_id].held[entity(m)];
  held -= e.units;
  if (held < 0) object_at(m, "stock " + entity(m) + ": more is released than order " + e.order_id + " had reserved");
}

void journal_account::apply(const stock_restocked& e, const tyto::metadata& m) {
  auto& stock = stocks[entity(m)];
  stock.on_hand += e.units;
  stock.restocked += e.units;
}

void journal_account::apply(const goods_returned& e, const tyto::metadata& m) {
  auto& account = returns[entity(m)];
  if (++account.accepted > 1) object_at(m, "return " + entity(m) + " is accepted twice");
  account.total_cents += e.total_cents;
  for (const auto& line : e.lines) account.units[line.stock_code] += line.quantity;
}

void journal_account::apply(const tyto::event_parked& e, const tyto::metadata& m) {
  dead_letters[entity(m)].insert({e.position, e.part});
}

void journal_account::apply(const tyto::event_released& e, const tyto::metadata& m) {
  dead_letters[entity(m)].erase({e.position, e.part});
}

void journal_account::apply(const payment_came_late&, const tyto::metadata& m) {
  if (payments[entity(m)].charges == 0) object_at(m, "payment " + entity(m) + " has not come at all");
}

// The other events of a fulfilment: whatever it is, the order must still be open.
template <class E>
void journal_account::apply(const E&, const tyto::metadata& m) {
  open_order(entity(m), m);
}

tyto::result<std::optional<std::string>> foreign_event(const tyto::event_store& journal) {
  std::optional<std::string> found;
  auto read = journal.read_all({.max_events = 1}, [&found](const tyto::event_view& event) {
    if (!has_type(every_event{}, event.meta.type)) found = event.meta.type + " of " + event.meta.persistence_id;
    return tyto::visit::stop;
  });
  if (!read) return std::move(read).error();
  return found;
}

journal_account account_for(const tyto::event_store& journal, const std::function<bool()>& stop_asked) {
  journal_account account;
  const auto read = journal.read_all({}, [&](const tyto::event_view& event) {
    account.take(event);
    return stop_asked && stop_asked() ? tyto::visit::stop : tyto::visit::next;
  });
  if (!read) account.object("the journal cannot be read to its end: " + read.error().message());
  return account;
}

}  // namespace shop

#include "report.hpp"

#include <fmt/chrono.h>
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <nlohmann/json.hpp>
#include <tyto/printable.hpp>
#include <utility>

#include "money.hpp"

namespace shop {
namespace {

struct figures {
  order_totals orders;
  std::uint64_t orders_rejected = 0;
  std::uint64_t returns_rejected = 0;
  std::int64_t refunded_cents = 0;
  std::int64_t units_returned = 0;

  [[nodiscard]] std::uint64_t cancelled(std::string_view reason) const {
    const auto found = orders.cancelled.find(std::string{reason});
    return found == orders.cancelled.end() ? 0 : found->second;
  }
};

std::uint64_t sum_of(const std::map<std::string, std::uint64_t>& counts) {
  std::uint64_t sum = 0;
  for (const auto& [reason, count] : counts) sum += count;
  return sum;
}

figures figures_of(const report& r) {
  figures all;
  all.orders = totals_of(r.account);
  all.orders_rejected = sum_of(r.outcome.rejected_orders);
  all.returns_rejected = sum_of(r.outcome.rejected_returns);
  for (const auto& [id, given_back] : r.account.returns) {
    all.refunded_cents += given_back.total_cents;
    for (const auto& [stock_code, units] : given_back.units) all.units_returned += units;
  }
  return all;
}

// Text for a terminal, line by line; labels on the left, figures in one column on the right. Names come from files,
// which may hold anything.
class page {
 public:
  void heading(std::string_view text) { fmt::format_to(end_, "\n{}\n", tyto::printable(text)); }
  void line(std::string_view text) { fmt::format_to(end_, "{}\n", tyto::printable(text)); }
  void row(std::string_view label, std::string_view figure) {
    fmt::format_to(end_, "  {:<54}{:>16}\n", tyto::printable(label), figure);
  }
  void count(std::string_view label, std::uint64_t figure) { row(label, format_count(figure)); }
  void money(std::string_view label, std::int64_t cents) { row(label, format_cents(cents)); }
  void counts(std::string_view label, const std::map<std::string, std::uint64_t>& by_reason) {
    for (const auto& [reason, number] : by_reason) count(fmt::format("{}: {}", label, reason), number);
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
  std::back_insert_iterator<std::string> end_{text_};
};

std::string size_in_words(std::uint64_t bytes) {
  if (bytes < 10'000) return format_count(bytes) + " bytes";
  if (bytes < 10'000'000) return fmt::format("{:.1f} KB", static_cast<double>(bytes) / 1e3);
  return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6);
}

std::string time_of_day(tyto::timestamp time) {
  const auto second = std::chrono::floor<std::chrono::seconds>(time);
  return fmt::format("{:%H:%M:%S}.{:06}", second, (time - second).count());
}

void write_story(page& out, const report& r) {
  const auto& story = r.account.story;
  if (story.order_id().empty()) return out.heading("No order was completed, so there is no story to tell.");
  const auto& order = r.account.orders.at(story.order_id());
  const auto units = format_count(static_cast<std::uint64_t>(order.units));
  out.heading(fmt::format("The story of order {}: {} {} over {}, {}", story.order_id(), units,
                          order.units == 1 ? "unit" : "units", format_cents(order.total_cents),
                          order.customer.empty() ? "unknown customer" : "customer " + order.customer));
  std::size_t event_width = 5;
  std::size_t stream_width = 6;
  for (const auto& each : story.events()) {
    event_width = std::max(event_width, each.type.size());
    stream_width = std::max(stream_width, tyto::printable(each.stream).size());
  }
  const auto write = [&](std::string_view position, std::string_view time, std::string_view event,
                         std::string_view stream, std::string_view by) {
    out.line(fmt::format("  {:>8}  {:<15}  {:<{}}  {:<{}}  {}", position, time, event, event_width, stream,
                         stream_width, by));
  };
  write("position", "time (UTC)", "event", "stream", "by");
  for (const auto& each : story.events()) {
    write(std::to_string(each.position), time_of_day(each.time), each.type, tyto::printable(each.stream), each.by);
  }
}

void write_orders(page& out, const report& r, const figures& all) {
  out.heading("Orders and returns");
  out.count("orders completed", all.orders.completed);
  out.counts("orders cancelled", all.orders.cancelled);
  out.counts("orders rejected", r.outcome.rejected_orders);
  if (all.orders.open > 0) out.count("orders without an outcome", all.orders.open);
  out.count("returns accepted", r.account.returns.size());
  out.counts("returns rejected", r.outcome.rejected_returns);

  out.heading("Money and goods");
  out.money("revenue of completed orders", all.orders.revenue_cents);
  out.money("refunded for accepted returns", all.refunded_cents);
  out.count("units sold", static_cast<std::uint64_t>(all.orders.units_sold));
  out.count("units returned", static_cast<std::uint64_t>(all.units_returned));
}

void write_pace(page& out, const pace& over_time) {
  const auto rates = over_time.in_parts(10);
  if (rates.empty()) return;
  out.line("  and in each tenth of that time");
  for (auto half = rates.begin(); half != rates.end(); half += 5) {
    std::string line;
    for (auto each = half; each != half + 5; ++each) {
      line += fmt::format("{:>14}", format_count(static_cast<std::uint64_t>(*each)));
    }
    out.line("  " + line);
  }
}

void write_events(page& out, const report& r) {
  out.heading("Events");
  std::vector<std::pair<std::string, std::uint64_t>> types{r.account.events_by_type.begin(),
                                                           r.account.events_by_type.end()};
  std::stable_sort(types.begin(), types.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  for (const auto& [type, number] : types) out.count(type, number);
  out.count("in all", r.account.events_total);

  out.heading("Throughput");
  const auto committed = r.outcome.events_after - r.outcome.events_before;
  out.row("events in this run", format_count(committed));
  out.row("seconds", fmt::format("{:.2f}", r.outcome.seconds));
  out.row("events per second", format_count(static_cast<std::uint64_t>(
                                   r.outcome.seconds > 0 ? static_cast<double>(committed) / r.outcome.seconds : 0)));
  write_pace(out, r.outcome.over_time);
  out.row("size of the journal", size_in_words(r.journal_bytes));
}

void write_notifications(page& out, const report& r) {
  const auto& told = r.outcome.notifications;
  out.heading("Notifications in this run");
  out.count("customers told", told.sent);
  out.row("every order had its outcome after", fmt::format("{:.2f} s", r.outcome.orders_seconds));
  out.row("notification was behind by then", format_count(told.lag) + " events");
  out.row("every customer was told after", fmt::format("{:.2f} s", r.outcome.seconds));
  if (told.failures > 0) out.count("attempts that failed", told.failures);
  if (told.parked > 0) {
    out.count("given up for the time being: parked as dead letters", told.parked);
    out.count("replayed when the mail server worked again", told.replayed);
  }
  if (!told.last.empty()) out.line("  the last one: " + told.last);
}

void write_audit(page& out, const report& r) {
  if (r.audit_failure) {
    out.heading("Audit of the journal: FAILED");
    return out.line("  " + *r.audit_failure);
  }
  out.heading("Audit of the journal: passed");
  out.line("  every order ended in exactly one outcome; every charge is kept or refunded; units add up per");
  out.line("  stock code; revenue equals the sum of completed orders; no dead letter is left; the read model");
  out.line("  agrees");
}

}  // namespace

std::string to_text(const report& r) {
  const auto all = figures_of(r);
  page out;
  out.line("Order simulation: " + r.what);
  out.line(r.settings);
  out.line("journal in " + r.data_dir.string() + (r.data_dir_is_temporary ? " (temporary: removed at the end)" : ""));
  if (r.outcome.events_before > 0) {
    out.line("it held " + format_count(r.outcome.events_before) + " events before; the figures are those of the whole");
  }
  write_story(out, r);
  write_orders(out, r, all);
  write_events(out, r);
  write_notifications(out, r);
  write_audit(out, r);
  return out.take();
}

std::string to_json(const report& r) {
  const auto all = figures_of(r);
  nlohmann::ordered_json json;
  json["orders_total"] = r.account.orders.size() + all.orders_rejected;
  json["orders_completed"] = all.orders.completed;
  json["orders_cancelled_payment_declined"] = all.cancelled(payment_was_declined);
  json["orders_cancelled_payment_timed_out"] = all.cancelled(payment_timed_out);
  json["orders_cancelled_out_of_stock"] = all.cancelled(out_of_stock);
  json["orders_rejected"] = all.orders_rejected;
  json["returns_total"] = r.account.returns.size() + all.returns_rejected;
  json["returns_accepted"] = r.account.returns.size();
  json["returns_rejected"] = all.returns_rejected;
  json["revenue_cents"] = all.orders.revenue_cents;
  json["refunded_cents"] = all.refunded_cents;
  json["units_sold"] = all.orders.units_sold;
  json["units_returned"] = all.units_returned;
  json["events_total"] = r.account.events_total;
  json["seconds"] = r.outcome.seconds;
  json["audit"] = r.audit_failure.value_or("passed");
  // ASCII alone: what the audit names may hold anything.
  return json.dump(2, ' ', true, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace shop

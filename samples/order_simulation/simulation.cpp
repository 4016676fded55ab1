#include "simulation.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <tyto/runtime.hpp>
#include <utility>

#include "consumers.hpp"
#include "progress.hpp"

namespace shop {
namespace {

constexpr std::uint64_t max_in_flight = 2'000;

// Keeps count of the commands that are under way and of what became of them.
class answer_desk {
 public:
  // Waits for room for one more command; returns false once something has failed.
  bool begin() {
    std::unique_lock lock{mutex_};
    answered_.wait(lock, [this] { return in_flight_ < max_in_flight; });
    if (failure_) return false;
    ++in_flight_;
    return true;
  }

  // Takes the answer to an invoice; rejections are counted by reason in `rejected`.
  void end_invoice(const tyto::command_result& answer, std::map<std::string, std::uint64_t>& rejected) {
    const std::lock_guard lock{mutex_};
    const auto* no = answer ? nullptr : answer.error().rejected();
    if (no != nullptr) ++rejected[no->reason];
    if (no != nullptr || (answer && answer->repeated)) ++concluded_;
    end(answer);
  }

  // Takes the answer to a delivery of stock, which the command line's limits keep from being rejected.
  void end_delivery(const tyto::command_result& answer) {
    const std::lock_guard lock{mutex_};
    end(answer);
  }

  tyto::result<void> wait_for_all() {
    std::unique_lock lock{mutex_};
    answered_.wait(lock, [this] { return in_flight_ == 0; });
    if (failure_) return *failure_;
    return {};
  }

  // Invoices of which no news is to be expected: rejected ones, and ones that an earlier run has seen.
  [[nodiscard]] std::uint64_t concluded() const {
    const std::lock_guard lock{mutex_};
    return concluded_;
  }

 private:
  void end(const tyto::command_result& answer) {
    --in_flight_;
    if (!answer && answer.error().failed() && !failure_) failure_ = *answer.error().failed();
    answered_.notify_all();  // under the lock, because the desk may be gone right after it
  }

  mutable std::mutex mutex_;
  std::condition_variable answered_;
  std::uint64_t in_flight_ = 0;
  std::uint64_t concluded_ = 0;
  std::optional<tyto::error> failure_;
};

tyto::command_options options_of(const invoice& each) {
  tyto::command_options options;
  options.command_id = "invoice/" + each.number;
  options.correlation_id = each.number;
  return options;
}

class driver {
 public:
  driver(const tyto::storage& stores, const simulation_options& options)
      : options_(options), journal_(stores.journal), runtime_(stores) {
    runtime_.aggregate<order>().aggregate<payment>().aggregate<stock>().aggregate<goods_return>();
    runtime_.reaction(billing{options.gateway}).reaction(inventory{}).reaction(notification{outbox_});
    runtime_.projection<order_summary>();
  }

  tyto::result<simulation_outcome> run(const invoice_source& source) {
    if (auto failed = note_head(outcome_.events_before); !failed) return failed.error();
    if (auto started = runtime_.start(); !started) return started.error();
    const auto begin = std::chrono::steady_clock::now();
    {
      const progress_bar bar{options_.show_progress, [this, &source] { return figures(source.count); }};
      if (auto sent = send_all(source); !sent) return sent.error();
      if (auto settled = settle(); !settled) return settled.error();
    }
    outcome_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (auto asked = ask_read_model(); !asked) return asked.error();
    if (auto stopped = runtime_.stop(); !stopped) return stopped.error();
    if (auto failed = note_head(outcome_.events_after); !failed) return failed.error();
    outcome_.notifications = outbox_->count();
    outcome_.last_notification = outbox_->last();
    return std::move(outcome_);
  }

 private:
  tyto::result<void> note_head(std::uint64_t& position) const {
    const auto head = journal_->head();
    if (!head) return head.error();
    position = *head;
    return {};
  }

  tyto::result<void> send_all(const invoice_source& source) {
    for (const auto& stock_code : source.stock_codes) receive_stock(stock_code);
    // No order may find its goods missing because they have not been delivered yet.
    if (auto received = desk_.wait_for_all(); !received) return received;
    while (const auto next = source.take_next()) {
      if (!desk_.begin()) break;
      send(*next);
    }
    return desk_.wait_for_all();
  }

  void receive_stock(const std::string& stock_code) {
    if (!desk_.begin()) return;
    tyto::command_options options;
    options.command_id = "initial-stock/" + stock_code;
    runtime_.submit<stock>(stock_code, stock::receive{options_.initial_stock}, std::move(options),
                           [this](const tyto::command_result& answer) { desk_.end_delivery(answer); });
  }

  void send(const invoice& each) {
    if (each.is_return()) {
      runtime_.submit<goods_return>(
          each.number, goods_return::accept{each.customer, each.date, each.lines}, options_of(each),
          [this](const tyto::command_result& answer) { desk_.end_invoice(answer, outcome_.rejected_returns); });
    } else {
      runtime_.submit<order>(
          each.number, order::create{each.customer, each.country, each.date, each.lines}, options_of(each),
          [this](const tyto::command_result& answer) { desk_.end_invoice(answer, outcome_.rejected_orders); });
    }
  }

  // Waits as long as anything moves at all, because how long a run takes is up to the person who asked for it.
  tyto::result<void> settle() {
    constexpr int patience = 12;
    std::uint64_t last_seen = 0;
    for (int idle = 0;;) {
      auto settled = runtime_.settle(std::chrono::seconds{5});
      if (settled || settled.error().code() != tyto::errc::timeout) return settled;
      const auto status = runtime_.status();
      auto seen = status.head;
      for (const auto& consumer : status.consumers) seen += consumer.position;
      idle = std::exchange(last_seen, seen) == seen ? idle + 1 : 0;
      if (idle == patience) return settled;
    }
  }

  // An invoice is done when its customer has been told how it ended, or when there is nothing to tell.
  [[nodiscard]] progress_figures figures(std::uint64_t invoices) const {
    const auto done = outbox_->count() + desk_.concluded();
    return {invoices == 0 ? 1.0 : static_cast<double>(done) / static_cast<double>(invoices), runtime_.status().head};
  }

  tyto::result<void> ask_read_model() {
    auto rows = runtime_.query<order_summary>(order_summary::list{});
    if (!rows) return rows.error();
    auto totals = runtime_.query<order_summary>(order_summary::totals{});
    if (!totals) return totals.error();
    outcome_.read_model = {*std::move(rows), *std::move(totals)};
    return {};
  }

  const simulation_options options_;
  const std::shared_ptr<tyto::event_store> journal_;
  const std::shared_ptr<outbox> outbox_ = std::make_shared<outbox>();
  simulation_outcome outcome_;
  answer_desk desk_;
  tyto::runtime runtime_;  // the last one, because answers may come until it is gone
};

}  // namespace

tyto::result<simulation_outcome> simulate(const tyto::storage& stores, const invoice_source& source,
                                          const simulation_options& options) {
  return driver{stores, options}.run(source);
}

}  // namespace shop

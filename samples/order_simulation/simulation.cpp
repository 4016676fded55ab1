#include "simulation.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <future>
#include <iostream>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <tyto/runtime.hpp>
#include <utility>

#include "consumers.hpp"
#include "progress.hpp"
#include "registrations.hpp"
#include "shop_clock.hpp"

namespace shop {
namespace {

constexpr std::uint64_t max_in_flight = 2'000;

// Keeps count of the commands that are under way and of what became of them.
class answer_desk {
 public:
  // Waits for room for one more command; returns false once something has failed. Every command is answered, if only
  // with a failure.
  bool begin() {
    std::unique_lock lock{mutex_};
    answered_.wait(lock, [this] { return in_flight_ < max_in_flight; });
    if (failure_) return false;
    ++in_flight_;
    return true;
  }

  // Something has failed that is no answer to a command.
  void give_up(const tyto::error& why) {
    const std::lock_guard lock{mutex_};
    if (!failure_) failure_ = why;
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
    // Not for each answer: a thread that waits for room would wake up for one command at a time.
    const bool is_room = in_flight_ == max_in_flight / 2 || in_flight_ == 0 || failure_;
    if (is_room) answered_.notify_all();  // under the lock, because the desk may be gone right after it
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

tyto::runtime_options runtime_options_for(const simulation_options& options, std::shared_ptr<const tyto::clock> time) {
  tyto::runtime_options made;
  made.time = std::move(time);
  made.control_socket = options.control_socket;
  if (options.mail.failure_rate == 0) return made;
  made.min_backoff = std::chrono::milliseconds{1};
  // The report counts these failures; nobody needs a line about each.
  made.log = [](std::string_view line) {
    if (!line.starts_with("consumer 'notification'")) std::clog << line << '\n';
  };
  return made;
}

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// Lasts as long as anything moves at all, because how long a run takes is up to the person who asked for it.
class patience {
 public:
  bool is_over(const tyto::runtime_status& now) {
    auto seen = now.head;
    for (const auto& consumer : now.consumers) seen += consumer.position;
    const auto time = std::chrono::steady_clock::now();
    if (std::exchange(seen_, seen) != seen) moved_ = time;
    return time - moved_ > std::chrono::seconds{60};
  }

 private:
  std::uint64_t seen_ = 0;
  std::chrono::steady_clock::time_point moved_ = std::chrono::steady_clock::now();
};

// Whether trying again may help. What is full, damaged or refused stays so until a person does something about it.
bool may_pass(tyto::errc code) {
  switch (code) {
    case tyto::errc::conflict:
    case tyto::errc::overloaded:
    case tyto::errc::timeout:
    case tyto::errc::stopped:
    case tyto::errc::handler_failed:
      return true;
    default:
      return false;
  }
}

class driver {
 public:
  driver(const tyto::storage& stores, const simulation_options& options)
      : options_(options),
        journal_(stores.journal),
        mail_(std::make_shared<mail_server>(options.mail)),
        runtime_(stores, runtime_options_for(options, clock_)) {
    register_domain(runtime_, options.gateway, mail_);
  }

  tyto::result<simulation_outcome> run(const invoice_source& source) {
    if (auto failed = note_head(outcome_.events_before); !failed) return failed.error();
    if (auto started = runtime_.start(); !started) return started.error();
    std::shared_ptr<void> shown;
    if (options_.begin_showing) {
      auto showing = options_.begin_showing(runtime_);
      if (!showing) return showing.error();
      shown = *std::move(showing);
    }
    begin_ = std::chrono::steady_clock::now();
    {
      const progress_bar bar{options_.show_progress, [this, &source] { return figures(source.count); }};
      if (auto sent = send_all(source); !sent) return sent.error();
      if (auto quiet = wait_for_orders(); !quiet) return quiet.error();
      if (auto ended = end_unpaid_orders(); !ended) return ended.error();
      outcome_.orders_seconds = seconds_since(begin_);
      if (auto settled = settle(); !settled) return settled.error();
      if (auto replayed = replay_notifications(); !replayed) return replayed.error();
    }
    next_note_ = 0;
    note_pace();
    outcome_.seconds = seconds_since(begin_);
    if (auto asked = ask_read_model(); !asked) return asked.error();
    if (auto failed = note_head(outcome_.events_after); !failed) return failed.error();
    outcome_.notifications.sent = mail_->sent();
    outcome_.notifications.failures = mail_->failures();
    outcome_.notifications.last = mail_->last();
    if (options_.before_end) options_.before_end(outcome_);
    shown.reset();
    if (auto stopped = runtime_.stop(); !stopped) return stopped.error();
    return std::move(outcome_);
  }

 private:
  tyto::result<void> note_head(std::uint64_t& position) const {
    const auto head = journal_->head();
    if (!head) return head.error();
    position = *head;
    return {};
  }

  void note_pace() {
    const auto seconds = seconds_since(begin_);
    if (seconds < next_note_) return;
    next_note_ = seconds + 0.001;
    if (const auto head = journal_->head()) outcome_.over_time.note(seconds, *head);
  }

  tyto::result<void> send_all(const invoice_source& source) {
    for (const auto& stock_code : source.stock_codes) receive_stock(stock_code);
    // No order may find its goods missing because they have not been delivered yet.
    if (auto received = desk_.wait_for_all(); !received) return received;
    while (const auto next = source.take_next()) {
      if (!may_send()) break;
      send(*next);
    }
    return desk_.wait_for_all();
  }

  bool may_send() {
    if (const auto going = look_around(); !going) desk_.give_up(going.error());
    return desk_.begin();
  }

  // Returns whether the run can go on. Consumers try again for ever, as they must in a program that runs for years.
  // This one has somebody waiting for it.
  tyto::result<void> look_around() {
    note_pace();
    if (options_.stop_asked && options_.stop_asked()) {
      return tyto::error{tyto::errc::stopped, "simulating the shop", "it was asked to stop"};
    }
    for (const auto& each : runtime_.health().problems) {
      if (may_pass(each.why.code())) continue;
      return tyto::error{each.why.code(), "simulating the shop", each.subject + " cannot go on"}.because(each.why);
    }
    return {};
  }

  void receive_stock(const std::string& stock_code) {
    if (!may_send()) return;
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

  // Waits until nothing more follows from the orders. Their customers may not have been told yet: notification is
  // nobody's business but its own.
  tyto::result<void> wait_for_orders() {
    patience left;
    for (;;) {
      const auto status = runtime_.status();
      std::uint64_t behind = 0;
      for (const auto& consumer : status.consumers) {
        if (consumer.name == notification::name) {
          outcome_.notifications.lag = consumer.lag;
        } else {
          behind = std::max(behind, consumer.lag);
        }
      }
      // What a consumer led to was in the journal before it was done, so the head would have moved.
      if (behind == 0 && runtime_.status().head == status.head) return {};
      if (auto going = look_around(); !going) return going;
      if (left.is_over(status)) return tyto::error{tyto::errc::timeout, "waiting for the orders to end"};
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
    }
  }

  // What is left now waits for a payment that will not come. Nobody wants to wait with it.
  tyto::result<void> end_unpaid_orders() {
    patience left;
    for (bool is_put_forward = false;;) {
      const auto totals = runtime_.query<order_summary>(order_summary::totals{});
      if (!totals) return totals.error();
      if (totals->open == 0) return wait_for_orders();
      if (!std::exchange(is_put_forward, true)) {
        clock_->put_forward(payment_timeout);
        runtime_.check_clock();
      }
      if (auto going = look_around(); !going) return going;
      if (left.is_over(runtime_.status())) {
        return tyto::error{tyto::errc::timeout, "waiting for orders to end",
                           std::to_string(totals->open) + " are open"};
      }
      std::this_thread::sleep_for(std::chrono::milliseconds{10});
    }
  }

  tyto::result<void> settle() {
    patience left;
    for (;;) {
      auto settled = runtime_.settle(std::chrono::milliseconds{100});
      if (settled || settled.error().code() != tyto::errc::timeout) return settled;
      if (auto going = look_around(); !going) return going;
      if (left.is_over(runtime_.status())) return settled;
    }
  }

  // What an operator does once the mail server works again.
  tyto::result<void> replay_notifications() {
    mail_->repair();
    const auto letters = runtime_.dead_letters(notification::name);
    if (!letters) return letters.error();
    outcome_.notifications.parked = letters->size();
    auto replaying =
        std::async(std::launch::async, [this] { return runtime_.replay_dead_letters(notification::name); });
    while (replaying.wait_for(std::chrono::milliseconds{10}) != std::future_status::ready) {
      const auto going = look_around();
      if (going) continue;
      (void)runtime_.pause(notification::name);  // ends the replay
      return going;
    }
    const auto replayed = replaying.get();
    if (!replayed) return replayed.error();
    outcome_.notifications.replayed = *replayed;
    return settle();
  }

  // An invoice is done when its customer has been told how it ended, or when there is nothing to tell.
  [[nodiscard]] progress_figures figures(std::uint64_t invoices) const {
    const auto done = mail_->sent() + desk_.concluded();
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
  const std::shared_ptr<mail_server> mail_;
  const std::shared_ptr<shop_clock> clock_ = std::make_shared<shop_clock>();
  std::chrono::steady_clock::time_point begin_;
  double next_note_ = 0;  // of the pace, in seconds after that
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

// Runs actors on the test's own thread, one message at a time in the order in which they were posted, under a clock
// that moves when the test says so.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <utility>

#include "actor/host.hpp"
#include "tyto/clock.hpp"

namespace tyto::test {

class manual_clock final : public clock {
 public:
  [[nodiscard]] timestamp now() const noexcept override { return now_; }
  [[nodiscard]] std::chrono::steady_clock::time_point steady() const { return steady_; }
  void advance(std::chrono::microseconds by) {
    now_ += by;
    steady_ += by;
  }
  /// Somebody sets the clock, while no time passes.
  void set_by(std::chrono::microseconds by) { now_ += by; }

 private:
  timestamp now_{std::chrono::hours{24 * 365 * 50}};
  std::chrono::steady_clock::time_point steady_{std::chrono::hours{1}};
};

class manual_host final : public detail::host {
 public:
  explicit manual_host(manual_clock& time) : time_(time) {}

  std::shared_ptr<detail::mailbox> spawn(std::unique_ptr<detail::actor> machine, detail::placement) override {
    auto box = std::make_shared<manual_mailbox>(queue_, std::move(machine));
    box->machine->bind(box);
    return box;
  }

  void post_after(std::chrono::milliseconds delay, const std::shared_ptr<detail::mailbox>& box,
                  detail::mail_ptr what) override {
    later_.emplace(time_.steady() + delay, std::pair{std::weak_ptr{box}, std::move(what)});
  }

  [[nodiscard]] std::chrono::steady_clock::time_point now() const override { return time_.steady(); }

  void wait_for_all() override { run(); }

  /// Handles messages until none is left. What stands together for one actor is handled in one turn.
  void run() {
    while (!queue_.empty()) {
      auto [box, what] = std::move(queue_.front());
      queue_.pop_front();
      if (box->machine) box->machine->receive(*what);
      const bool goes_on = !queue_.empty() && queue_.front().first == box;
      if (box->machine && !goes_on) box->machine->turn_is_over();
    }
  }

  /// Returns how many messages are to be posted later.
  [[nodiscard]] std::size_t delayed() const { return later_.size(); }

  /// Moves the clock, posts what has become due, and runs.
  void advance(std::chrono::milliseconds by) {
    time_.advance(by);
    while (!later_.empty() && later_.begin()->first <= time_.steady()) {
      auto [box, what] = std::move(later_.begin()->second);
      later_.erase(later_.begin());
      if (auto alive = box.lock()) alive->post(std::move(what));
    }
    run();
  }

 private:
  struct manual_mailbox;
  using queue = std::deque<std::pair<std::shared_ptr<manual_mailbox>, detail::mail_ptr>>;

  struct manual_mailbox final : detail::mailbox, std::enable_shared_from_this<manual_mailbox> {
    manual_mailbox(queue& q, std::unique_ptr<detail::actor> m) : posts_to(q), machine(std::move(m)) {}
    void post(detail::mail_ptr what) override { posts_to.emplace_back(shared_from_this(), std::move(what)); }
    void close() override { machine.reset(); }

    queue& posts_to;
    std::unique_ptr<detail::actor> machine;
  };

  manual_clock& time_;
  queue queue_;
  std::multimap<std::chrono::steady_clock::time_point, std::pair<std::weak_ptr<detail::mailbox>, detail::mail_ptr>>
      later_;
};

}  // namespace tyto::test

// Stands for a consumer that does nothing but stop when it is told to: at once, or when the test lets it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <variant>

#include "messages.hpp"

namespace tyto::test {

/// Safe to use from any thread.
class stoppable_consumer final : public detail::mailbox {
 public:
  enum class stops { at_once, when_let };
  explicit stoppable_consumer(stops when = stops::at_once) : when_(when) {}

  void post(detail::mail_ptr what) override {
    auto& message = static_cast<detail::mail_of<detail::consumer_message>&>(*what).body;
    auto* request = std::get_if<detail::stop_actor>(&message);
    if (request == nullptr) return;
    {
      const std::lock_guard lock{mutex_};
      ++times_told_;
      done_ = std::move(request->done);
      told_.notify_all();
    }
    if (when_ == stops::at_once) stop();
  }
  void close() override {
    const std::lock_guard lock{mutex_};
    is_closed_ = true;
  }

  /// Waits until it has been told to stop.
  void wait_until_told() {
    std::unique_lock lock{mutex_};
    told_.wait(lock, [this] { return times_told_ > 0; });
  }
  /// Returns whether it is told to stop within `time`: for a test that it is not, which a slow machine cannot fail.
  bool is_told_within(std::chrono::milliseconds time) {
    std::unique_lock lock{mutex_};
    return told_.wait_for(lock, time, [this] { return times_told_ > 0; });
  }
  /// Stops, as it has been told to.
  void stop() {
    std::unique_lock lock{mutex_};
    const auto done = std::move(done_);
    lock.unlock();
    done();
  }

  [[nodiscard]] int times_told() const {
    const std::lock_guard lock{mutex_};
    return times_told_;
  }
  [[nodiscard]] bool is_closed() const {
    const std::lock_guard lock{mutex_};
    return is_closed_;
  }

 private:
  const stops when_;
  mutable std::mutex mutex_;
  std::condition_variable told_;
  int times_told_ = 0;
  bool is_closed_ = false;
  std::function<void()> done_;
};

}  // namespace tyto::test

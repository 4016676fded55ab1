// A clock that moves when a test says so.
#pragma once

#include <atomic>
#include <chrono>

#include "tyto/clock.hpp"

namespace tyto::testing {

/// The time at which tests begin that say no other: 2000-01-01, noon.
inline constexpr timestamp noon{std::chrono::sys_days{std::chrono::year{2000} / 1 / 1} + std::chrono::hours{12}};

/// A clock that stands still until it is moved. Safe to use from any thread.
class test_clock final : public clock {
 public:
  explicit test_clock(timestamp start = noon) : now_(start) {}

  [[nodiscard]] timestamp now() const noexcept override { return now_; }

  /// Moves the clock by `time`; back if it is negative.
  void advance(std::chrono::microseconds time) {
    auto before = now_.load();
    while (!now_.compare_exchange_weak(before, before + time)) {
    }
  }
  /// Sets the clock to `time`.
  void set(timestamp time) { now_ = time; }

 private:
  std::atomic<timestamp> now_;
};

}  // namespace tyto::testing

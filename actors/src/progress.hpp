// How far a consumer is, for those who wait for it and for status(). The consumer writes it, any thread reads it.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>

#include "tyto/runtime.hpp"

namespace tyto::detail {

/// Returns the time at which `timeout` has passed; one of years counts as a year, so that the sum cannot overflow.
inline std::chrono::steady_clock::time_point deadline_after(std::chrono::milliseconds timeout) {
  return std::chrono::steady_clock::now() + std::min<std::chrono::milliseconds>(timeout, std::chrono::years{1});
}

class progress {
 public:
  explicit progress(std::string name) { status_.name = std::move(name); }

  void is_at(std::uint64_t position);
  void has_failed(const error& why);
  void has_parked(std::size_t events);
  void has_halted();
  void has_stopped();

  /// Waits until the consumer is done with the event at `position`; returns false if that takes longer than until
  /// `deadline` or the consumer stops.
  [[nodiscard]] bool wait_for(std::uint64_t position, std::chrono::steady_clock::time_point deadline) const;

  /// Returns the status; lag is left to the caller.
  [[nodiscard]] consumer_status status() const;

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  consumer_status status_;
};

}  // namespace tyto::detail

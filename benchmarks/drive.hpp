// Sends commands, many at a time, and waits for durable answers.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <semaphore>

#include "measurement.hpp"
#include "tyto/runtime.hpp"

namespace bench {

inline constexpr std::ptrdiff_t in_flight = 2'000;
inline constexpr std::uint64_t many_aggregates = 10'000;

/// Sends commands to notes, `in_flight` at a time. Must outlive the runtime that it sends to.
class sender {
 public:
  /// Calls `on_answer` for every answer, from any thread.
  explicit sender(std::function<void()> on_answer = [] {}) : on_answer_(std::move(on_answer)) {}

  /// Sends one event's worth to the note `entity`; waits for room first.
  void send(tyto::runtime& to, std::uint64_t entity);

  /// Waits until all is answered. Throws if a command failed.
  void finish(tyto::runtime& to) const;

 private:
  std::function<void()> on_answer_;
  std::counting_semaphore<in_flight> room_{in_flight};
  std::atomic<std::uint64_t> failures_ = 0;
};

struct drive_result {
  double per_second = 0;
  std::size_t batch = 1;  // events per transaction, on average
};

/// Sends commands to the aggregates that `pick` names for `how.seconds`, and counts durable answers.
drive_result drive(const settings& how, const std::function<std::uint64_t()>& pick);

/// The same with aggregates drawn from `aggregates`, all as likely.
drive_result drive_uniform(const settings& how, std::uint64_t aggregates);

}  // namespace bench

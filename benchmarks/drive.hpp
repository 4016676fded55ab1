// Sends commands, many at a time, and waits for durable answers.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <semaphore>
#include <utility>
#include <vector>

#include "measurement.hpp"
#include "scratch.hpp"
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

/// A runtime on storage of its own, and how many commands it takes in which time.
class driver {
 public:
  /// `add_more` registers what is to run beside the notes.
  explicit driver(
      const settings& how, const std::function<void(tyto::runtime&)>& add_more = [](auto&) {});

  /// Sends commands to the aggregates that `pick` names, for so many seconds, and waits until all are durable.
  void run(double seconds, const std::function<std::uint64_t()>& pick);

  /// Of all runs so far.
  [[nodiscard]] double per_second() const { return static_cast<double>(events_) / took_s_; }

  [[nodiscard]] std::uint64_t events() const { return events_; }

  /// Returns how many events a transaction held, on average.
  [[nodiscard]] std::size_t batch() const;

 private:
  scratch where_;
  sender commands_;
  tyto::runtime rt_;
  std::uint64_t events_ = 0;
  double took_s_ = 0;
};

/// Divides `seconds` among `sides` and runs them by turns, for each turn's seconds, because how fast a disk is changes
/// from one moment to the next.
void by_turns(double seconds, const std::vector<std::function<void(double)>>& sides);

/// Draws aggregates out of `count`, all as likely; always the same ones in the same order.
std::function<std::uint64_t()> uniform(std::uint64_t count);

/// Names one of `count` aggregates after the other, again and again.
std::function<std::uint64_t()> round_robin(std::uint64_t count);

/// Appends `events` events of the notes that `pick` names.
void fill(tyto::event_store& journal, std::uint64_t events, const std::function<std::uint64_t()>& pick);

}  // namespace bench

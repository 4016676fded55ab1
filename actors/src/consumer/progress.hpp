// How far a consumer is, for those who wait for it and for status(). The consumer writes it, any thread reads it.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "tyto/consumer.hpp"
#include "tyto/status.hpp"

namespace tyto::detail {

/// Somebody waits for a consumer to be exactly at a position. Goes with whoever waits.
struct meeting {
  std::uint64_t position = 0;
  /// Called once from the consumer's thread, when it is there, or cannot come there any more.
  std::function<void()> arrived;
};

class progress {
 public:
  /// What a consumer is to those who ask.
  enum class role : std::uint8_t {
    building,   // a projection whose predecessor answers until it has caught up; next: answering, retired
    answering,  // any other; next: retired
    retired,    // it is stopped for good, while the runtime goes on, and nobody waits for it
  };

  explicit progress(const std::string& consumer, role first = role::answering) : progress(consumer, consumer, first) {}
  /// Of the partition of `consumer` that is called `name`.
  progress(std::string name, std::string consumer, role first = role::answering)
      : name_(std::move(name)), role_(first) {
    status_.name = name_;
    status_.consumer = std::move(consumer);
  }

  [[nodiscard]] const std::string& name() const { return name_; }
  /// Returns the position up to which it is done.
  [[nodiscard]] std::uint64_t position() const { return position_; }

  /// It is done with everything up to `position`, where the last event was decided at `event_time`.
  void is_at(std::uint64_t position, timestamp event_time, std::chrono::steady_clock::time_point now);
  void has_failed(const error& why);
  void has_parked(std::size_t events);
  void has_refused(const refused_command& refused);
  void has_paused();
  void has_halted(const error& why);
  void has_stopped();

  /// Makes one that is building answer; returns whether it does.
  bool take_over();
  void retire();
  [[nodiscard]] bool answers() const;
  [[nodiscard]] bool is_retired() const;

  /// Waits until the consumer is done with the event at `position`; returns false if that takes longer than until
  /// `limit`, the consumer stops, or the wait is `ended`.
  [[nodiscard]] bool wait_for(std::uint64_t position, std::chrono::steady_clock::time_point limit,
                              const std::stop_token& ended = {}) const;

  /// Waits until the consumer is not at `position`, or stops, or the wait is `ended`.
  void wait_for_change(std::uint64_t position, const std::stop_token& ended) const;

  /// Has the consumer stop over at a position; returns false if it is there, past it, or stopped. One that has a batch
  /// in hand may still pass by.
  [[nodiscard]] bool meet(const std::shared_ptr<const meeting>& wanted);

  /// For the consumer: returns where a batch from `position` to `end` has to end, so that no meeting is passed.
  [[nodiscard]] std::uint64_t cut(std::uint64_t position, std::uint64_t end) const;

  /// Returns the status, with how far it is behind `head`; the two times are one moment on two clocks.
  [[nodiscard]] consumer_status status(std::uint64_t head, timestamp now,
                                       std::chrono::steady_clock::time_point steady_now) const;
  /// The same without what depends on others.
  [[nodiscard]] consumer_status status() const;

 private:
  using meetings = std::vector<std::shared_ptr<const meeting>>;
  meetings take_due();

  struct place {
    std::uint64_t position = 0;
    std::chrono::steady_clock::time_point time;
  };
  [[nodiscard]] double rate(std::chrono::steady_clock::time_point now) const;

  const std::string name_;
  std::atomic<role> role_;
  std::atomic<std::uint64_t> position_ = 0;  // changes with mutex_ held; each question reads it, without

  mutable std::mutex mutex_;  // guards all below
  mutable std::condition_variable_any changed_;
  consumer_status status_;  // but for the position
  timestamp event_time_;
  place rated_from_;  // where it was five to ten seconds ago
  place rated_next_;  // and more recently: what comes in its place
  std::vector<std::weak_ptr<const meeting>> meetings_;
};

}  // namespace tyto::detail

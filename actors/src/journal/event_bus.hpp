// The end of the journal, kept in memory. The committer publishes what it has stored; consumers ask for what comes
// after their position and get it by mailbox: at once, when it is there, or from the journal, if they are too far
// behind.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "messages.hpp"
#include "tyto/status.hpp"

namespace tyto::detail {

/// Consumers pull: each has at most one request open and gets one answer, so none can be flooded, and what a slow one
/// has not asked for yet costs no memory. Safe to use from any thread.
class event_bus {
 public:
  /// Starts after `head`, the position of the journal's last event. Keeps what those who have asked before may ask for
  /// next, as long as it is the last segment, or no more than `max_events`; answers a request with segments of about
  /// `max_delivery` events.
  event_bus(std::uint64_t head, std::size_t max_events, std::size_t max_delivery);

  /// Adds the events that follow the head.
  void publish(std::shared_ptr<const segment> stored);

  /// Sends `to` a delivery that begins with or holds the event after `position`, as soon as there is one; or, if it is
  /// no longer in memory, read_behind. Takes the place of a request of `to` that has not been answered.
  void request_after(std::uint64_t position, const address<consumer_message>& to);

  /// Returns the position of the last published event.
  [[nodiscard]] std::uint64_t head() const { return head_; }

  /// Returns when there is an event after `position`, or after `time`. Keeps a processor core busy meanwhile.
  void look_out_for(std::uint64_t position, std::chrono::microseconds time) const;

  /// What was published.
  struct counts {
    std::uint64_t segments = 0;
    size_counts events;  // of each
    size_counts times;   // in microseconds
  };
  [[nodiscard]] counts published() const;

 private:
  struct reader {
    std::weak_ptr<mailbox> box;
    std::uint64_t position = 0;  // after which it has asked last
    bool waits = false;          // for what comes after the head
  };

  void give_up_what_nobody_needs(std::vector<std::shared_ptr<const segment>>& given_up);
  [[nodiscard]] consumer_message answer(std::uint64_t position) const;

  const std::size_t max_events_;
  const std::size_t max_delivery_;
  mutable std::mutex mutex_;
  std::atomic<std::uint64_t> head_;  // written under the mutex
  counts published_;
  std::deque<std::shared_ptr<const segment>> recent_;
  std::size_t recent_events_ = 0;
  std::vector<reader> readers_;
};

}  // namespace tyto::detail

// Finds consumers that are behind and do not move: their handlers may hang, which nobody else would notice.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "actor/host.hpp"
#include "consumer/progress.hpp"
#include "health_board.hpp"
#include "tyto/clock.hpp"

namespace tyto::detail {

/// To the watchdog: look around.
struct look_for_stalls {};

using watchdog_message = look_for_stalls;

class watchdog final : public actor_of<watchdog_message> {
 public:
  /// Reports within a quarter more than `stall_after`.
  watchdog(host& runs_on, const clock& time, health_board& health, std::chrono::milliseconds stall_after,
           std::function<std::vector<std::shared_ptr<progress>>()> consumers, std::function<std::uint64_t()> head)
      : host_(runs_on),
        time_(time),
        health_(health),
        stall_after_(stall_after),
        consumers_(std::move(consumers)),
        head_(std::move(head)) {}

 protected:
  void on(watchdog_message) override {
    const auto now = time_.now();
    const auto head = head_();
    for (const auto& each : consumers_()) look_at(each->status(head, now), now);
    post_after(host_, std::max(stall_after_ / 4, std::chrono::milliseconds{1}), self(), look_for_stalls{});
  }

 private:
  struct sight {
    std::uint64_t position = 0;
    timestamp since;
    bool is_reported = false;
  };

  void look_at(const consumer_status& consumer, timestamp now) {
    const auto subject = "stall of '" + consumer.name + "'";
    const bool may_move =
        consumer.lag > 0 && (consumer.state == consumer_state::starting || consumer.state == consumer_state::running);
    auto& seen = seen_[consumer.name];
    if (!may_move || seen.position != consumer.position || seen.since == timestamp{}) {
      if (seen.is_reported) health_.clear(subject);
      seen = {consumer.position, may_move ? now : timestamp{}, false};
    } else if (now - seen.since >= stall_after_) {
      seen.is_reported = true;
      health_.report(subject, {errc::timeout, "consumer '" + consumer.name + "'",
                               "it has stood at position " + std::to_string(consumer.position) + " for " +
                                   std::to_string((now - seen.since) / std::chrono::seconds{1}) + " s, " +
                                   std::to_string(consumer.lag) + " events behind"});
    }
  }

  host& host_;
  const clock& time_;
  health_board& health_;
  const std::chrono::milliseconds stall_after_;
  const std::function<std::vector<std::shared_ptr<progress>>()> consumers_;
  const std::function<std::uint64_t()> head_;
  std::map<std::string, sight> seen_;
};

}  // namespace tyto::detail

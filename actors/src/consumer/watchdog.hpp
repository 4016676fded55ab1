// Finds consumers that are behind and do not move: their handlers may hang, which nobody else would notice.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "actor/host.hpp"
#include "consumer/progress.hpp"
#include "health_board.hpp"

namespace tyto::detail {

/// To the watchdog: look around.
struct look_for_stalls {};

using watchdog_message = look_for_stalls;

class watchdog final : public actor_of<watchdog_message> {
 public:
  /// Reports within a quarter more than `stall_after`.
  watchdog(host& runs_on, health_board& health, std::chrono::milliseconds stall_after,
           std::function<std::vector<std::shared_ptr<progress>>()> consumers, std::function<std::uint64_t()> head)
      : host_(runs_on),
        health_(health),
        stall_after_(stall_after),
        consumers_(std::move(consumers)),
        head_(std::move(head)) {}

 protected:
  void on(watchdog_message&&) override {
    const auto now = host_.now();
    const auto head = head_();
    std::map<std::string, sight> before = std::exchange(seen_, {});
    for (const auto& each : consumers_()) {
      const auto status = each->status();
      look_at(status, head, before[status.name], now);
      before.erase(status.name);
    }
    for (const auto& [name, ended] : before) {
      if (ended.is_reported) health_.clear(subject_of(name));
    }
    post_after(host_, std::max(stall_after_ / 4, std::chrono::milliseconds{1}), self(), look_for_stalls{});
  }

 private:
  using time_point = std::chrono::steady_clock::time_point;

  struct sight {
    std::uint64_t position = 0;
    time_point since;
    bool is_reported = false;
  };

  static std::string subject_of(const std::string& consumer) { return "stall of '" + consumer + "'"; }

  void look_at(const consumer_status& consumer, std::uint64_t head, sight seen, time_point now) {
    const auto subject = subject_of(consumer.name);
    const bool may_move = consumer.position < head &&
                          (consumer.state == consumer_state::starting || consumer.state == consumer_state::running);
    if (!may_move || seen.position != consumer.position || seen.since == time_point{}) {
      if (seen.is_reported) health_.clear(subject);
      seen = {consumer.position, may_move ? now : time_point{}, false};
    } else if (now - seen.since >= stall_after_) {
      seen.is_reported = true;
      health_.report(subject, {errc::timeout, "consumer '" + consumer.name + "'",
                               "it has stood at position " + std::to_string(consumer.position) + " for " +
                                   std::to_string((now - seen.since) / std::chrono::seconds{1}) + " s, " +
                                   std::to_string(head - consumer.position) + " events behind"});
    }
    seen_.insert_or_assign(consumer.name, seen);
  }

  host& host_;
  health_board& health_;
  const std::chrono::milliseconds stall_after_;
  const std::function<std::vector<std::shared_ptr<progress>>()> consumers_;
  const std::function<std::uint64_t()> head_;
  std::map<std::string, sight> seen_;
};

}  // namespace tyto::detail

// The deadlines of one process manager: waits for the next one, and tells the instance. Deadlines come in from the
// consumer that lists them, commands go out to the instances.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "actor/host.hpp"
#include "command_sender.hpp"
#include "health_board.hpp"
#include "messages.hpp"
#include "tyto/process_manager.hpp"

namespace tyto::detail {

/// One of an instance was set, moved, or cancelled.
struct deadline_change {
  std::string key;
  std::string name;
  std::optional<timestamp> due;  // none: cancelled
  std::string correlation_id;    // of the event that set it
};

/// To an alarm: all that there are, or what has changed.
struct deadlines_changed {
  bool are_all = false;
  std::vector<deadline_change> changes;
};

/// To an alarm: look at the clock.
struct ring {};

/// To an alarm: an instance has answered.
struct deadline_told {
  std::string key;
  std::string name;
  timestamp due;
  std::optional<error> failed;
};

using alarm_message = std::variant<deadlines_changed, ring, deadline_told, stop_actor>;

/// What all alarms of a runtime share; outlives them.
struct alarm_surroundings {
  host& runs_on;
  const clock& time;
  command_sender& sender;
  std::function<void(std::string_view)> log;
  std::chrono::milliseconds min_backoff;
  std::chrono::milliseconds max_backoff;
  health_board& health;
};

/// A deadline that an instance fails at is told again, with a pause that grows, and keeps no other from being told.
class alarm_clock final : public actor_of<alarm_message> {
 public:
  alarm_clock(const alarm_surroundings& around, std::string name, decltype(deadlines_definition::fire) fire);

 protected:
  void on(alarm_message message) override;

 private:
  using instance_deadline = std::pair<std::string, std::string>;  // key and name
  struct entry {
    timestamp due;
    timestamp next;  // when it is to be told
    std::string correlation_id;
    std::chrono::milliseconds backoff{0};
    bool is_being_told = false;
  };

  void take(const deadlines_changed& changed);
  void take(deadline_told told);
  void forget(const instance_deadline& which);
  void look();
  void tell(const instance_deadline& which, entry& what);
  void wake_up_at(timestamp next);
  [[nodiscard]] std::string subject(const instance_deadline& which) const;

  const alarm_surroundings& around_;
  const std::string name_;
  decltype(deadlines_definition::fire) const fire_;
  std::map<instance_deadline, entry> deadlines_;
  std::set<std::pair<timestamp, instance_deadline>> by_time_;  // those that are not being told
  std::size_t being_told_ = 0;
  std::optional<timestamp> wakes_up_at_;
  bool is_stopped_ = false;
};

}  // namespace tyto::detail

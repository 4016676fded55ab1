// The deadlines of one process manager: waits for the next one, and tells the instance. Deadlines come in from the
// consumer that lists them, commands go out to the instances.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
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
#include "consumer/progress.hpp"
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

/// To an alarm: look at the clock. Without a time somebody asks for it: then it looks also at deadlines that are held
/// or have failed.
struct ring {
  std::optional<std::chrono::steady_clock::time_point> at = {};  // for which the alarm has set it
};

/// One of an instance, with the time at which it is due.
struct due_deadline {
  std::string key;
  std::string name;
  timestamp due;
};

/// To an alarm: the instances of `which` have had what was in the journal, or why not.
struct inputs_reported {
  std::shared_ptr<const std::vector<due_deadline>> which;
  consumer_report report;
};

/// To an alarm: an instance has answered.
struct deadline_told {
  due_deadline which;
  std::optional<rejection> rejected;
  std::optional<error> failed;
};

/// To an alarm: say when no deadline is being told, and none that is due has to be told at once.
struct say_when_quiet {
  std::function<void()> done;
};

using alarm_message = std::variant<deadlines_changed, ring, inputs_reported, deadline_told, say_when_quiet, stop_actor>;

/// What all alarms of a runtime share; outlives them.
struct alarm_surroundings {
  host& runs_on;
  const clock& time;
  command_sender& sender;
  std::function<std::uint64_t()> head;  // the last position that consumers can have
  std::function<void(std::string_view)> log;
  std::chrono::milliseconds min_backoff;
  std::chrono::milliseconds max_backoff;
  health_board& health;
};

/// Whose deadlines an alarm tells.
struct alarm_owner {
  std::string name;                               // the process manager's
  std::vector<address<consumer_message>> inputs;  // the consumers that take events to its instances
  decltype(deadlines_definition::fire) fire;
  decltype(deadlines_definition::drop) drop;
  std::shared_ptr<progress> shown;  // of the consumer that lists the deadlines
};

/// Before a deadline is told, the instance gets everything that is in the journal at that moment: what happened in time
/// must not be overtaken because it is read late. A deadline that an instance fails at, or whose input does not come,
/// is looked at again, with a pause that grows, and keeps no other from being told. A deadline of an instance whose
/// stream is closed or deleted is forgotten.
class alarm_clock final : public actor_of<alarm_message> {
 public:
  alarm_clock(const alarm_surroundings& around, alarm_owner owner);

 protected:
  void on(alarm_message&& message) override;

 private:
  using instance_deadline = std::pair<std::string, std::string>;  // key and name
  using pause_end = std::chrono::steady_clock::time_point;
  struct entry {
    timestamp due;
    std::string correlation_id;
    std::chrono::milliseconds backoff{0};
    std::optional<pause_end> again;  // it has been tried, and pauses
    bool is_in_hand = false;         // its input is waited for, or it is being told
    std::uint64_t taken_at = 0;      // how often somebody had asked to look when it was taken in hand
  };

  void take(const deadlines_changed& changed);
  void take(ring request);
  void take(const inputs_reported& reported);
  void take(deadline_told told);
  void take(say_when_quiet request);
  void forget(const instance_deadline& which);
  void look();
  void ask_for_inputs(std::vector<due_deadline> which);
  [[nodiscard]] entry* in_hand(const due_deadline& which);
  void send(const due_deadline& which, const entry& what, outgoing_command command);
  void pause(const due_deadline& which, entry& what);
  void hold(const due_deadline& which, entry& what, const std::string& why);
  void show_held();
  void wake_up();
  void report_quiet();
  [[nodiscard]] std::string subject(const due_deadline& which) const;

  const alarm_surroundings& around_;
  const alarm_owner owner_;
  std::map<instance_deadline, entry> deadlines_;
  std::set<std::pair<timestamp, instance_deadline>> by_time_;  // those that are not in hand, nor pause
  std::set<std::pair<pause_end, instance_deadline>> pausing_;
  std::set<instance_deadline> held_;
  std::string why_held_;  // the last one of them
  std::size_t in_hand_ = 0;
  std::uint64_t looks_asked_for_ = 0;
  std::set<pause_end> wakes_up_at_;  // each is a ring that is to come
  std::vector<say_when_quiet> quiet_requests_;
  bool is_stopped_ = false;
};

}  // namespace tyto::detail

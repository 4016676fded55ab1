#include "deadline/alarm_clock.hpp"

#include <algorithm>

#include "time_between.hpp"

namespace tyto::detail {
namespace {

constexpr std::size_t max_in_hand = 256;

// The clock is looked at so often at least, for it may be set, or the machine may sleep.
constexpr std::chrono::seconds longest_sleep{60};

// Gathers what the consumers of a process manager's partitions say; the last one passes it on.
class report_of_all {
 public:
  report_of_all(std::size_t consumers, std::function<void(consumer_report)> done)
      : left_(consumers), done_(std::move(done)) {}

  void add(consumer_report one) {
    const std::lock_guard lock{mutex_};
    all_.goes_on = all_.goes_on && one.goes_on;
    all_.blocked.insert(all_.blocked.end(), one.blocked.begin(), one.blocked.end());
    all_.may_all_be_blocked = all_.may_all_be_blocked || one.may_all_be_blocked;
    if (--left_ == 0) done_(std::move(all_));
  }

 private:
  std::mutex mutex_;
  std::size_t left_;
  consumer_report all_;
  const std::function<void(consumer_report)> done_;
};

}  // namespace

alarm_clock::alarm_clock(const alarm_surroundings& around, alarm_owner owner)
    : around_(around), owner_(std::move(owner)) {}

void alarm_clock::on(alarm_message&& message) {
  if (is_stopped_) return;
  std::visit(overloaded{[this](stop_actor& request) {
                          is_stopped_ = true;
                          quiet_requests_.clear();
                          request.done();
                        },
                        [this](auto& other) { take(std::move(other)); }},
             message);
  if (!is_stopped_) report_quiet();
}

void alarm_clock::take(const deadlines_changed& changed) {
  if (changed.are_all) {
    while (!deadlines_.empty()) forget(deadlines_.begin()->first);
  }
  for (const auto& change : changed.changes) {
    const instance_deadline which{change.key, change.name};
    forget(which);
    if (!change.due) continue;
    deadlines_.emplace(which, entry{*change.due, change.correlation_id, {}, {}, false});
    by_time_.emplace(*change.due, which);
  }
  look();
}

void alarm_clock::take(ring request) {
  if (request.at) {
    wakes_up_at_.erase(*request.at);
  } else {
    ++looks_asked_for_;
    for (const auto& [end, which] : std::exchange(pausing_, {})) {
      auto& what = deadlines_.at(which);
      what.again.reset();
      by_time_.emplace(what.due, which);
    }
  }
  look();
}

void alarm_clock::forget(const instance_deadline& which) {
  const auto found = deadlines_.find(which);
  if (found == deadlines_.end()) return;
  const auto& what = found->second;
  if (what.backoff.count() > 0) around_.health.clear(subject({which.first, which.second, what.due}));
  by_time_.erase({what.due, which});
  if (what.again) pausing_.erase({*what.again, which});
  if (held_.erase(which) > 0) show_held();
  deadlines_.erase(found);
}

void alarm_clock::look() {
  const auto now = around_.time.now();
  const auto time = around_.runs_on.now();
  std::vector<due_deadline> due;
  const auto take_in_hand = [&](const instance_deadline& which) {
    auto& what = deadlines_.at(which);
    what.again.reset();
    what.is_in_hand = true;
    what.taken_at = looks_asked_for_;
    ++in_hand_;
    due.push_back({which.first, which.second, what.due});
  };
  while (!by_time_.empty() && by_time_.begin()->first <= now && in_hand_ < max_in_hand) {
    take_in_hand(by_time_.extract(by_time_.begin()).value().second);
  }
  while (!pausing_.empty() && pausing_.begin()->first <= time && in_hand_ < max_in_hand) {
    take_in_hand(pausing_.extract(pausing_.begin()).value().second);
  }
  if (!due.empty()) ask_for_inputs(std::move(due));
  if (in_hand_ < max_in_hand) wake_up();
}

void alarm_clock::ask_for_inputs(std::vector<due_deadline> which) {
  report_when_past request{around_.head(), {}, {}};
  for (const auto& each : which) request.keys.push_back(each.key);
  auto asked = std::make_shared<const std::vector<due_deadline>>(std::move(which));
  auto all = std::make_shared<report_of_all>(owner_.inputs.size(), [to = self(), asked](consumer_report report) {
    to.post(inputs_reported{asked, std::move(report)});
  });
  request.reply = [all](consumer_report report) { all->add(std::move(report)); };
  for (const auto& each : owner_.inputs) each.post(request);
}

// Nullptr if it was moved or cancelled meanwhile.
alarm_clock::entry* alarm_clock::in_hand(const due_deadline& which) {
  const auto found = deadlines_.find({which.key, which.name});
  const bool is_same = found != deadlines_.end() && found->second.is_in_hand && found->second.due == which.due;
  return is_same ? &found->second : nullptr;
}

void alarm_clock::take(const inputs_reported& reported) {
  const std::set<std::string_view> blocked{reported.report.blocked.begin(), reported.report.blocked.end()};
  for (const auto& which : *reported.which) {
    auto* what = in_hand(which);
    if (what == nullptr) {
      --in_hand_;
    } else if (!reported.report.goes_on) {
      hold(which, *what, "until '" + owner_.name + "' goes on, which has halted or is paused");
    } else if (reported.report.may_all_be_blocked) {
      hold(which, *what,
           "until the dead letters of '" + owner_.name + "' are dealt with whose instances cannot be told");
    } else if (blocked.contains(which.key)) {
      hold(which, *what, "until the dead letters of '" + owner_.name + "' for their instances are dealt with");
    } else {
      if (held_.erase({which.key, which.name}) > 0) show_held();
      send(which, *what, owner_.fire(which.key, {which.name, which.due}));
    }
  }
  look();
}

void alarm_clock::send(const due_deadline& which, const entry& what, outgoing_command command) {
  command_options options;
  options.causation_id = owner_.name + "/" + which.name;
  options.correlation_id = what.correlation_id;
  around_.sender.send(std::move(command), std::move(options), [to = self(), which](const command_result& outcome) {
    deadline_told told{which, std::nullopt, std::nullopt};
    if (!outcome && outcome.error().failed()) told.failed = *outcome.error().failed();
    if (!outcome && outcome.error().rejected()) told.rejected = *outcome.error().rejected();
    to.post(std::move(told));
  });
}

void alarm_clock::take(deadline_told told) {
  const auto& which = told.which;
  auto* what = in_hand(which);
  const auto count_refusal = [&](rejection why) {
    owner_.shown->has_refused({make_persistence_id(owner_.name, which.key), {}, std::move(why)});
  };
  if (what != nullptr && told.rejected) {
    count_refusal(*std::move(told.rejected));
    return send(which, *what, owner_.drop(which.key, {which.name, which.due}));
  }
  // The stream of the instance takes no event for ever, so that the deadline cannot be dropped by one. Its row stays:
  // after the next start it is told, and forgotten, once more.
  const bool is_closed = told.failed && told.failed->code() == errc::closed;
  if (what != nullptr && is_closed) count_refusal({told.failed->detail(), {}, {}});
  if (what == nullptr) {
    --in_hand_;
  } else if (!told.failed || is_closed) {
    --in_hand_;
    forget({which.key, which.name});
  } else {
    if (what->backoff.count() == 0) around_.log(subject(which) + " will be told again: " + told.failed->message());
    around_.health.report(subject(which), *told.failed);
    pause(which, *what);
  }
  look();
}

void alarm_clock::pause(const due_deadline& which, entry& what) {
  --in_hand_;
  what.is_in_hand = false;
  what.backoff = std::clamp(what.backoff * 2, around_.min_backoff, around_.max_backoff);
  // Who has asked meanwhile shall not wait: what stood in the way may be gone since then.
  if (what.taken_at != looks_asked_for_) {
    by_time_.emplace(what.due, instance_deadline{which.key, which.name});
    return;
  }
  what.again = around_.runs_on.now() + what.backoff;
  pausing_.emplace(*what.again, instance_deadline{which.key, which.name});
}

void alarm_clock::hold(const due_deadline& which, entry& what, const std::string& why) {
  pause(which, what);
  held_.emplace(which.key, which.name);
  why_held_ = why;
  show_held();
}

void alarm_clock::show_held() {
  const auto all = "deadlines of '" + owner_.name + "'";
  if (held_.empty()) return around_.health.clear(all);
  around_.health.report_condition(all, {errc::stopped, all, std::to_string(held_.size()) + " are held " + why_held_});
}

void alarm_clock::take(say_when_quiet request) { quiet_requests_.push_back(std::move(request)); }

void alarm_clock::report_quiet() {
  if (in_hand_ > 0) return;
  for (const auto& each : std::exchange(quiet_requests_, {})) each.done();
}

// The clock of deadlines may be set, so what is due is looked at again when this time has passed.
void alarm_clock::wake_up() {
  auto sleep = std::chrono::milliseconds::max();
  const auto consider = [&sleep](auto pause) {
    sleep = std::min(sleep, std::clamp<std::chrono::milliseconds>(std::chrono::ceil<std::chrono::milliseconds>(pause),
                                                                  std::chrono::milliseconds{1}, longest_sleep));
  };
  const auto time = around_.runs_on.now();
  if (!by_time_.empty()) consider(time_between(around_.time.now(), by_time_.begin()->first));
  if (!pausing_.empty()) consider(pausing_.begin()->first - time);
  if (sleep == std::chrono::milliseconds::max() || (!wakes_up_at_.empty() && *wakes_up_at_.begin() <= time + sleep)) {
    return;
  }
  wakes_up_at_.insert(time + sleep);
  post_after(around_.runs_on, sleep, self(), alarm_message{ring{time + sleep}});
}

std::string alarm_clock::subject(const due_deadline& which) const {
  return "deadline '" + which.name + "' of " + owner_.name + "|" + which.key;
}

}  // namespace tyto::detail

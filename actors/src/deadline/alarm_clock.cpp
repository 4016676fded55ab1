#include "deadline/alarm_clock.hpp"

#include <algorithm>

namespace tyto::detail {
namespace {

constexpr std::size_t max_being_told = 256;

// The clock is looked at so often at least, for it may be set, or the machine may sleep.
constexpr std::chrono::seconds longest_sleep{60};

}  // namespace

alarm_clock::alarm_clock(const alarm_surroundings& around, std::string name, decltype(deadlines_definition::fire) fire)
    : around_(around), name_(std::move(name)), fire_(fire) {}

void alarm_clock::on(alarm_message message) {
  if (is_stopped_) return;
  std::visit(overloaded{[this](const deadlines_changed& changed) { take(changed); },
                        [this](ring) {
                          wakes_up_at_.reset();
                          look();
                        },
                        [this](deadline_told& told) { take(std::move(told)); },
                        [this](stop_actor& request) {
                          is_stopped_ = true;
                          request.done();
                        }},
             message);
}

void alarm_clock::take(const deadlines_changed& changed) {
  if (changed.are_all) {
    deadlines_.clear();
    by_time_.clear();
  }
  for (const auto& change : changed.changes) {
    const instance_deadline which{change.key, change.name};
    forget(which);
    if (!change.due) continue;
    deadlines_.emplace(which, entry{*change.due, *change.due, change.correlation_id});
    by_time_.emplace(*change.due, which);
  }
  look();
}

void alarm_clock::forget(const instance_deadline& which) {
  const auto found = deadlines_.find(which);
  if (found == deadlines_.end()) return;
  if (found->second.backoff.count() > 0) around_.health.clear(subject(which));
  by_time_.erase({found->second.next, which});
  deadlines_.erase(found);
}

void alarm_clock::look() {
  const auto now = around_.time.now();
  while (!by_time_.empty() && by_time_.begin()->first <= now && being_told_ < max_being_told) {
    const auto which = by_time_.begin()->second;
    by_time_.erase(by_time_.begin());
    tell(which, deadlines_.at(which));
  }
  if (!by_time_.empty() && being_told_ < max_being_told) wake_up_at(by_time_.begin()->first);
}

void alarm_clock::tell(const instance_deadline& which, entry& what) {
  ++being_told_;
  what.is_being_told = true;
  command_options options;
  options.causation_id = name_ + "/" + which.second;
  options.correlation_id = what.correlation_id;
  around_.sender.send(fire_(which.first, {which.second, what.due}), std::move(options),
                      [to = self(), which, due = what.due](const command_result& outcome) {
                        deadline_told told{which.first, which.second, due, std::nullopt};
                        if (!outcome && outcome.error().failed()) told.failed = *outcome.error().failed();
                        to.post(std::move(told));
                      });
}

void alarm_clock::take(deadline_told told) {
  --being_told_;
  const instance_deadline which{std::move(told.key), std::move(told.name)};
  const auto found = deadlines_.find(which);
  const bool is_same = found != deadlines_.end() && found->second.is_being_told && found->second.due == told.due;
  if (is_same && !told.failed) {
    forget(which);
  } else if (is_same) {
    auto& what = found->second;
    if (what.backoff.count() == 0) {
      around_.log(subject(which) + " will be told again: " + told.failed->message());
    }
    around_.health.report(subject(which), *told.failed);
    what.backoff = std::clamp(what.backoff * 2, around_.min_backoff, around_.max_backoff);
    what.next = around_.time.now() + what.backoff;
    what.is_being_told = false;
    by_time_.emplace(what.next, which);
  }
  look();
}

void alarm_clock::wake_up_at(timestamp next) {
  if (wakes_up_at_ && *wakes_up_at_ <= next) return;
  const auto now = around_.time.now();
  const auto pause = std::chrono::ceil<std::chrono::milliseconds>(next - now);
  const auto sleep = std::clamp<std::chrono::milliseconds>(pause, std::chrono::milliseconds{1}, longest_sleep);
  wakes_up_at_ = now + sleep;
  post_after(around_.runs_on, sleep, self(), alarm_message{ring{}});
}

std::string alarm_clock::subject(const instance_deadline& which) const {
  return "deadline '" + which.second + "' of " + name_ + "|" + which.first;
}

}  // namespace tyto::detail

#include "consumer/progress.hpp"

#include <algorithm>
#include <utility>

#include "actor/threads.hpp"
#include "time_between.hpp"
#include "time_limit.hpp"
#include "tyto/printable.hpp"

namespace tyto::detail {

namespace {

constexpr std::chrono::seconds rated_time{5};

}  // namespace

void progress::is_at(std::uint64_t position, timestamp event_time, std::chrono::steady_clock::time_point now) {
  meetings due;
  {
    const std::lock_guard lock{mutex_};
    if (rated_from_.time == std::chrono::steady_clock::time_point{} || position < rated_next_.position)
      rated_from_ = rated_next_ = {position, now};
    if (now - rated_next_.time > rated_time) rated_from_ = std::exchange(rated_next_, {position, now});
    event_time_ = event_time;
    position_ = position;
    status_.state = consumer_state::running;
    changed_.notify_all();
    due = take_due();
  }
  for (const auto& each : due) each->arrived();
}

void progress::has_failed(const error& why) {
  const std::lock_guard lock{mutex_};
  ++status_.failures;
  status_.last_error = why.message();
  status_.state = consumer_state::failing;
}

void progress::has_parked(std::size_t events) {
  const std::lock_guard lock{mutex_};
  status_.parked = events;
}

void progress::has_refused(const refused_command& refused) {
  const std::lock_guard lock{mutex_};
  ++status_.refused;
  status_.last_refusal = printable(refused.persistence_id + ": " + refused.why.reason);
}

void progress::has_paused() {
  const std::lock_guard lock{mutex_};
  status_.state = consumer_state::paused;
}

void progress::has_halted(const error& why) {
  const std::lock_guard lock{mutex_};
  status_.last_error = why.message();
  status_.state = consumer_state::halted;
  changed_.notify_all();
}

void progress::has_stopped() {
  meetings due;
  {
    const std::lock_guard lock{mutex_};
    status_.state = consumer_state::stopped;
    changed_.notify_all();
    due = take_due();
  }
  for (const auto& each : due) each->arrived();
}

bool progress::meet(const std::shared_ptr<const meeting>& wanted) {
  const std::lock_guard lock{mutex_};
  if (position_ >= wanted->position || status_.state == consumer_state::stopped) return false;
  std::erase_if(meetings_, [](const auto& each) { return each.expired(); });
  meetings_.push_back(wanted);
  return true;
}

std::uint64_t progress::cut(std::uint64_t position, std::uint64_t end) const {
  const std::lock_guard lock{mutex_};
  for (const auto& each : meetings_) {
    const auto wanted = each.lock();
    if (wanted && wanted->position > position) end = std::min(end, wanted->position);
  }
  return end;
}

progress::meetings progress::take_due() {
  meetings due;
  std::erase_if(meetings_, [&](const auto& each) {
    auto wanted = each.lock();
    if (wanted && position_ < wanted->position && status_.state != consumer_state::stopped) return false;
    if (wanted) due.push_back(std::move(wanted));
    return true;
  });
  return due;
}

bool progress::take_over() {
  auto was = role::building;
  return role_.compare_exchange_strong(was, role::answering) || was == role::answering;
}

void progress::retire() { role_ = role::retired; }

bool progress::answers() const { return role_ == role::answering; }

bool progress::is_retired() const { return role_ == role::retired; }

bool progress::wait_for(std::uint64_t position, std::chrono::steady_clock::time_point limit,
                        const std::stop_token& ended) const {
  if (position_ >= position) return true;
  std::unique_lock lock{mutex_};
  wait_until(changed_, lock, ended, limit, [&] {
    return position_ >= position || status_.state == consumer_state::stopped || status_.state == consumer_state::halted;
  });
  return position_ >= position;
}

void progress::wait_for_change(std::uint64_t position, const std::stop_token& ended) const {
  std::unique_lock lock{mutex_};
  wait_until(changed_, lock, ended, time_limit(longest_wait),
             [&] { return position_ != position || status_.state == consumer_state::stopped; });
}

double progress::rate(std::chrono::steady_clock::time_point now) const {
  const auto passed = std::chrono::duration<double>(now - rated_from_.time).count();
  return passed > 0 ? static_cast<double>(position_ - rated_from_.position) / passed : 0;
}

consumer_status progress::status(std::uint64_t head, timestamp now,
                                 std::chrono::steady_clock::time_point steady_now) const {
  const std::lock_guard lock{mutex_};
  auto shown = status_;
  shown.position = position_;
  shown.lag = head - std::min(head, shown.position);
  if (shown.lag > 0 && event_time_ != timestamp{})
    shown.lag_time = std::max(time_between(event_time_, now), timestamp::duration{});
  shown.events_per_second = rate(steady_now);
  return shown;
}

consumer_status progress::status() const {
  const std::lock_guard lock{mutex_};
  auto shown = status_;
  shown.position = position_;
  return shown;
}

}  // namespace tyto::detail

#include "gate.hpp"

#include <string>

#include "actor/threads.hpp"
#include "time_limit.hpp"
#include "tyto/aggregate.hpp"

namespace tyto::detail {

result<void> gate::enter(when_full overflow, std::chrono::milliseconds timeout) {
  if (!owner_.is_this()) return owner_.refusal("sending a command", "the runtime");
  bool is_in = take_place();
  if (!is_in && overflow == when_full::wait) {
    std::unique_lock lock{mutex_};
    ++waiting_;
    const auto limit = time_limit(timeout);
    while (!is_in && wait_until(changed_, lock, limit, [this] { return inside_ < most_; })) is_in = take_place();
    --waiting_;
  }
  if (!is_in) {
    return error{errc::overloaded, "sending a command",
                 std::to_string(most_) + " commands are in flight; wait for answers before sending more"};
  }
  // Counted in before this look, so that whoever closes the gate waits for it, or it sees that it is too late.
  if (is_open_) return {};
  leave();
  return error{errc::stopped, "sending a command", "the runtime is not running"};
}

bool gate::take_place() {
  auto now = inside_.load();
  while (now < most_) {
    if (inside_.compare_exchange_weak(now, now + 1)) return true;
  }
  return false;
}

void gate::leave() {
  if (inside_.fetch_sub(1) != 1 && waiting_ == 0) return;
  const std::lock_guard lock{mutex_};
  changed_.notify_all();
}

void gate::leave_with(const std::function<void(const command_result&)>& done, const command_result& outcome) {
  try {
    done(outcome);
  } catch (...) {
    log_(handler_failure("calling back with a command's answer").message());
  }
  leave();
}

void gate::wait_until_empty() const { (void)wait_until_empty(std::chrono::steady_clock::time_point::max()); }

bool gate::wait_until_empty(std::chrono::steady_clock::time_point limit) const {
  std::unique_lock lock{mutex_};
  return wait_until(changed_, lock, limit, [this] { return inside_ == 0; });
}

}  // namespace tyto::detail

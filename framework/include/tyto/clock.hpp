// Where the runtime gets the time from. Tests and simulations hand in a clock of their own.
#pragma once

#include <chrono>
#include <memory>

namespace tyto {

/// Points in time as events carry them: UTC, microseconds.
using timestamp = std::chrono::sys_time<std::chrono::microseconds>;

/// A source of the current time. Implementations must be safe to call from any thread.
class clock {
 public:
  virtual ~clock() = default;
  [[nodiscard]] virtual timestamp now() const noexcept = 0;
};

/// Returns the clock of the operating system.
std::shared_ptr<const clock> system_clock();

}  // namespace tyto

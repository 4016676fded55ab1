// How long someone waits: a duration as the moment at which the wait is over.
#pragma once

#include <algorithm>
#include <chrono>

#include "actor/threads.hpp"

namespace tyto::detail {

/// A wait of years counts as one of a year, so that no sum overflows.
inline constexpr std::chrono::milliseconds longest_wait =
    std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::years{1});

/// Returns the time at which `timeout` has passed: longest_wait at most, and one below 0 counts as 0.
inline std::chrono::steady_clock::time_point time_limit(std::chrono::milliseconds timeout) {
  return steady_now() + std::clamp(timeout, std::chrono::milliseconds{0}, longest_wait);
}

}  // namespace tyto::detail

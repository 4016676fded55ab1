// How long someone waits: a duration as the moment at which the wait is over.
#pragma once

#include <algorithm>
#include <chrono>

#include "actor/threads.hpp"

namespace tyto::detail {

/// Returns the time at which `timeout` has passed. One of years counts as a year and one below 0 as 0, so that the sum
/// cannot overflow.
inline std::chrono::steady_clock::time_point time_limit(std::chrono::milliseconds timeout) {
  return steady_now() +
         std::clamp<std::chrono::milliseconds>(timeout, std::chrono::milliseconds{0}, std::chrono::years{1});
}

}  // namespace tyto::detail

// Differences of times that a clock of the user's has told, which may be any.
#pragma once

#include "tyto/clock.hpp"

namespace tyto::detail {

/// Returns how long it is from `earlier` to `later`, or the nearest duration there is.
inline timestamp::duration time_between(timestamp earlier, timestamp later) {
  timestamp::rep passed = 0;
  if (!__builtin_sub_overflow(later.time_since_epoch().count(), earlier.time_since_epoch().count(), &passed)) {
    return timestamp::duration{passed};
  }
  return later > earlier ? timestamp::duration::max() : timestamp::duration::min();
}

}  // namespace tyto::detail

// Times in words, for people and exports.
#pragma once

#include <string>

#include "tyto/clock.hpp"

namespace tyto::detail {

/// Returns `time` as in 2026-03-02T09:00:00.000000Z.
std::string to_utc(timestamp time);

}  // namespace tyto::detail

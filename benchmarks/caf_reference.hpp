// The yardstick of memory: actors of CAF that hold nothing.
#pragma once

#include <cstddef>

namespace bench {

/// Returns how many bytes of resident memory one of `count` empty CAF actors takes.
double caf_actor_bytes(std::size_t count);

/// Returns the bytes of memory that this process has resident.
std::size_t resident_bytes();

}  // namespace bench

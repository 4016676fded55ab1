// How often the program has taken memory.
#pragma once

#include <cstdint>

namespace bench {

/// Returns how often operator new was called so far, by all threads. Exact while they rest.
std::uint64_t allocations();

}  // namespace bench

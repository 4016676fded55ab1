// How many worlds the simulation tests try. A person who has time asks for more: `tools/simulate 100000`.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "tyto/testing/simulation.hpp"

namespace tyto::test {

/// Returns the number that the environment variable `name` holds, or `otherwise`.
inline std::uint64_t number_in_environment(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::stoull(text);
}

/// Tries `seeds` seeds, or of TYTO_SEEDS one in `one_in`, but one at least: for worlds that take their time, and for
/// crash_everywhere(), which runs each some hundred times. TYTO_FIRST_SEED is the first of them, and
/// TYTO_SHRINKING_RUNS says how many shorter runs of one that fails are tried.
inline testing::exploration explored(std::uint64_t seeds, std::uint64_t one_in = 1) {
  testing::exploration worlds;
  worlds.first_seed = number_in_environment("TYTO_FIRST_SEED", worlds.first_seed);
  worlds.seeds = std::max<std::uint64_t>(number_in_environment("TYTO_SEEDS", seeds * one_in) / one_in, 1);
  worlds.shrinking_runs = number_in_environment("TYTO_SHRINKING_RUNS", worlds.shrinking_runs);
  return worlds;
}

}  // namespace tyto::test

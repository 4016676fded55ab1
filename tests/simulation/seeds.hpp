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

/// For explore(): TYTO_SEEDS says how many seeds, else there are `seeds`; TYTO_SHRINKING_RUNS says how many shorter
/// runs of one that fails.
inline testing::exploration explored(std::uint64_t seeds) {
  testing::exploration worlds;
  worlds.seeds = number_in_environment("TYTO_SEEDS", seeds);
  worlds.shrinking_runs = number_in_environment("TYTO_SHRINKING_RUNS", worlds.shrinking_runs);
  return worlds;
}

/// For crash_everywhere(), which runs each world some hundred times: one in a hundred of TYTO_SEEDS.
inline testing::exploration crashed(std::uint64_t seeds) {
  auto worlds = explored(seeds * 100);
  worlds.seeds = std::max<std::uint64_t>(worlds.seeds / 100, 1);
  return worlds;
}

}  // namespace tyto::test

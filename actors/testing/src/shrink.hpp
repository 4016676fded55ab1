// Makes the script of a run that fails shorter and plainer, as long as the run still fails in the same way.
#pragma once

#include <cstddef>
#include <functional>

#include "world.hpp"

namespace tyto::testing {

/// Returns a script for which `fails` returns true, as it does for `from`, after at most `runs` tries.
script shrink(script from, const std::function<bool(const script&)>& fails, std::size_t runs);

}  // namespace tyto::testing

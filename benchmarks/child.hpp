// Measurements in a process of their own: memory that others have given back to their allocator would be used again
// unseen.
#pragma once

#include <functional>
#include <vector>

namespace bench {

/// Returns the figures that `measure` returns in a child process, of which there must be `count`.
std::vector<double> in_a_child(std::size_t count, const std::function<std::vector<double>()>& measure);

}  // namespace bench

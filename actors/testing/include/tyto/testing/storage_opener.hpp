// How a simulation gets at a storage that lasts longer than the simulated program.
#pragma once

#include <functional>

#include "tyto/result.hpp"
#include "tyto/storage.hpp"

namespace tyto::testing {

/// Opens a storage, the same one each time, for example that in a temporary directory. It is called when a simulated
/// program starts; the one before has been closed.
using storage_opener = std::function<result<storage>()>;

}  // namespace tyto::testing

// Storage that lives in memory and goes with the process: for tests, for simulations, and as the example to read before
// writing another implementation of the ports.
#pragma once

#include "tyto/storage.hpp"

namespace tyto {

/// Returns an empty journal and empty read models in memory.
storage open_memory();

}  // namespace tyto

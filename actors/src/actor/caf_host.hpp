// Runs the runtime's actors on CAF, which sees no message type of theirs but one envelope. Besides this file's source
// only the module actors/caf includes CAF, for users' actors: its versions differ in these two alone.
#pragma once

#include <cstddef>
#include <memory>

#include "actor/host.hpp"

namespace tyto::detail {

/// Returns a host with `worker_threads` threads for shared actors, 0 for one per core. Destroying it waits until its
/// actors have ended, so close them first.
std::unique_ptr<host> make_caf_host(std::size_t worker_threads);

/// Returns how many threads such a host has besides those of dedicated actors.
std::size_t threads_of_caf_host(std::size_t worker_threads);

}  // namespace tyto::detail

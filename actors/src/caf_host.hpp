// Runs actors on CAF. The only door to CAF: no other file of the runtime includes it, and CAF sees no message type but
// one envelope, so that its versions differ in caf_host.cpp alone.
#pragma once

#include <cstddef>
#include <memory>

#include "host.hpp"

namespace tyto::detail {

/// Returns a host with `worker_threads` threads for shared actors, 0 for one per core. Destroying it waits until its
/// actors have ended, so close them first.
std::unique_ptr<host> make_caf_host(std::size_t worker_threads);

}  // namespace tyto::detail

// What a program opens and hands to a runtime: the ports to everything that is stored.
#pragma once

#include <memory>

#include "tyto/event_store.hpp"
#include "tyto/read_model_store.hpp"
#include "tyto/snapshot_store.hpp"

namespace tyto {

/// Everything that a runtime stores: the journal, and what is derived from it.
struct storage {
  std::shared_ptr<event_store> journal;
  std::shared_ptr<read_model_store> read_models;
  std::shared_ptr<snapshot_store> snapshots;  // may be missing; then none are taken
};

}  // namespace tyto

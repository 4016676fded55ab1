// The deadlines that process managers have set, as the rows of their lists have them.
#pragma once

#include <string>
#include <vector>

#include "tyto/clock.hpp"
#include "tyto/result.hpp"
#include "tyto/storage.hpp"

namespace tyto::survey {

struct pending_deadline {
  std::string process_manager;
  std::string instance;
  std::string name;
  timestamp due;
};

/// Returns the deadlines that are set, by process manager and instance: as of the positions of the consumers that list
/// them.
result<std::vector<pending_deadline>> pending_deadlines(const storage& opened);

}  // namespace tyto::survey

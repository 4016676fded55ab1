// What a forked child inherits and must not use: it has its parent's memory, but neither its threads nor its locks.
#pragma once

#include <cstdint>

#include <string>

#include "tyto/result.hpp"

namespace tyto::detail {

/// Remembers the process that made it. Cheap to ask: no system call.
class owner_process {
 public:
  owner_process();

  /// Returns whether this is the process that made it, and not a child that was forked from it.
  [[nodiscard]] bool is_this() const;
  /// Returns the error for a child that uses `what`, for example "the storage in './data'".
  [[nodiscard]] error refusal(const std::string& doing, const std::string& what) const;

 private:
  std::int64_t process_;  // its id
  unsigned forks_;        // how many lay between the process that loaded this code and this one
};

/// Calls these at each fork() that follows, until the process ends: `before` it, and after it in the parent and in the
/// child. For a registry whose mutex must not be held by another thread at that moment, and which the child forgets.
void at_fork(void (*before)(), void (*in_parent)(), void (*in_child)());

}  // namespace tyto::detail

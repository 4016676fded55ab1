// How a journal or the read models are where they are stored, beside what becomes of each call.
#pragma once

#include <cstdint>
#include <optional>

#include "tyto/result.hpp"

namespace tyto {

/// Who reads at one place for long. What it may still read is kept, so the storage grows with every commit meanwhile.
struct lagging_reader {
  std::int64_t process = 0;          // its process id
  std::uint64_t commits_behind = 0;  // how many there have been since it began
  std::uint64_t bytes_held = 0;      // at least so many could be used again without it
};

struct storage_condition {
  /// Fails if what is stored can no longer be found by others, as its files were deleted or replaced.
  result<void> files = {};
  /// The reader that is furthest behind, if any is.
  std::optional<lagging_reader> slowest_reader = {};
  /// What is in use of the room that there is, pages that are free besides; 0: it is not known.
  std::uint64_t used_bytes = 0;
  std::uint64_t capacity_bytes = 0;
};

}  // namespace tyto

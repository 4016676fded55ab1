// How far a consumer is. The committer stores those of reactions with the events, read models have their own with the
// rows; both ports list them.
#pragma once

#include <cstdint>
#include <string>

namespace tyto {

/// How far the consumer `name` is done.
struct checkpoint {
  std::string name;
  std::uint64_t position = 0;
};

}  // namespace tyto

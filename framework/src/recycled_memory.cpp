#include "tyto/detail/recycled_memory.hpp"

namespace tyto::detail {

magazine magazine_depot::take() {
  const std::unique_lock lock{mutex_, std::try_to_lock};
  if (!lock || full_.empty()) return {};
  const auto taken = full_.back();
  full_.pop_back();
  return taken;
}

bool magazine_depot::keep(magazine full) {
  const std::unique_lock lock{mutex_, std::try_to_lock};
  if (!lock || full_.size() == most_kept) return false;
  full_.reserve(most_kept);
  full_.push_back(full);
  return true;
}

}  // namespace tyto::detail

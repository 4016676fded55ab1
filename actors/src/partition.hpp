// One of several parts into which a consumer's events are split by their keys.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "tyto/event_store.hpp"

namespace tyto::detail {

struct partition {
  std::size_t index = 0;
  std::size_t count = 1;

  /// Whether events with `key` belong to it. The same in every run and every version.
  [[nodiscard]] bool has(std::string_view key) const;

  /// What to call it: "billing", or "billing[2/4]".
  [[nodiscard]] std::string label(const std::string& consumer) const;
  /// The name of its checkpoint: "billing", or "billing#1/4".
  [[nodiscard]] std::string checkpoint(const std::string& consumer) const;
};

/// Sees to it that the parts of a consumer have checkpoints for as many as there are now: where there were more or
/// fewer the last time, all begin at the slowest one's. To be called before anyone else appends.
result<void> split_checkpoints(event_store& journal, const std::string& consumer, std::size_t count);

}  // namespace tyto::detail

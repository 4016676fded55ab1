// How far a consumer is, and what one delivery to it is called. The committer stores checkpoints of reactions with the
// events, read models have their own with the rows; both ports list them.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>

namespace tyto {

/// How far the consumer `name` is done.
struct checkpoint {
  std::string name;
  std::uint64_t position = 0;
};

/// What a consumer gets in one piece: an event, or one of the parts into which an upcaster has split it.
struct delivery_id {
  std::uint64_t position = 0;
  std::optional<std::uint32_t> part = std::nullopt;  // none: the whole event

  friend auto operator<=>(const delivery_id&, const delivery_id&) = default;
};

}  // namespace tyto

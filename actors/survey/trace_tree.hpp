// What caused what: the events of one correlation id as a tree. A consumer's command names the event that it followed
// from (metadata::causation_id), and the events of a command follow from it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tyto/event.hpp"

namespace tyto::survey {

struct traced_event {
  recorded_event event;
  std::string consumer = {};              // which one sent the command; empty: a caller did
  std::optional<std::size_t> cause = {};  // the index of the event that it followed from
  std::vector<std::size_t> effects = {};
};

/// Returns the events, which must be in order, with their causes. What names a cause that is not among them counts as
/// one without.
std::vector<traced_event> trace(std::vector<recorded_event> events);

/// What a causation id says that a consumer gave: `consumer/position`, maybe with `.part`.
struct named_cause {
  std::string consumer;
  std::uint64_t position = 0;
};
/// Returns it, or nothing if a caller made the id up.
std::optional<named_cause> parse_cause(std::string_view causation_id);

}  // namespace tyto::survey

#include "trace_tree.hpp"

#include <charconv>
#include <map>
#include <utility>

namespace tyto::survey {

std::optional<named_cause> parse_cause(std::string_view causation_id) {
  const auto slash = causation_id.rfind('/');
  if (slash == std::string_view::npos || slash == 0) return std::nullopt;
  auto number = causation_id.substr(slash + 1);
  number = number.substr(0, number.find('.'));
  named_cause named{std::string{causation_id.substr(0, slash)}};
  const auto* end = number.data() + number.size();
  const auto [stopped, failed] = std::from_chars(number.data(), end, named.position);
  if (failed != std::errc{} || stopped != end) return std::nullopt;
  return named;
}

std::vector<traced_event> trace(std::vector<recorded_event> events) {
  std::vector<traced_event> traced;
  std::map<std::uint64_t, std::size_t> by_position;
  for (auto& each : events) {
    traced_event made{.event = std::move(each)};
    const auto& meta = made.event.meta;
    if (const auto named = parse_cause(meta.causation_id)) {
      const auto found = by_position.find(named->position);
      if (found != by_position.end()) {
        made.consumer = named->consumer;
        made.cause = found->second;
        traced[found->second].effects.push_back(traced.size());
      }
    }
    by_position.emplace(meta.position, traced.size());
    traced.push_back(std::move(made));
  }
  return traced;
}

}  // namespace tyto::survey

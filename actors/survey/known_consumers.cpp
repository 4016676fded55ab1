#include "known_consumers.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>

namespace tyto::survey {
namespace {

// The checkpoint of a partition is named `name#i/n`; `name#` and `name#before` only say how many there are and were
// (docs/storage-format.md).
std::optional<known_consumer> consumer_of(const checkpoint& from, bool has_rows) {
  const auto sign = from.name.rfind('#');
  if (sign == std::string::npos) return known_consumer{from.name, from.name, has_rows, from.position};
  const auto part = std::string_view{from.name}.substr(sign + 1);
  const auto consumer = from.name.substr(0, sign);
  if (part.empty() || part == "before") return std::nullopt;
  return known_consumer{consumer + "[" + std::string{part} + "]", consumer, has_rows, from.position};
}

}  // namespace

result<std::vector<known_consumer>> known_consumers(const storage& opened) {
  auto reactions = opened.journal->checkpoints();
  if (!reactions) return std::move(reactions).error();
  auto projections = opened.read_models->checkpoints();
  if (!projections) return std::move(projections).error();
  std::vector<known_consumer> known;
  const auto add = [&known](const std::vector<checkpoint>& from, bool has_rows) {
    for (const auto& each : from) {
      if (auto made = consumer_of(each, has_rows)) known.push_back(*std::move(made));
    }
  };
  add(*reactions, false);
  add(*projections, true);
  std::ranges::sort(known, {}, &known_consumer::name);
  return known;
}

std::vector<std::string> names_of(const std::vector<known_consumer>& consumers) {
  std::set<std::string> names;
  for (const auto& each : consumers) names.insert(each.consumer);
  return {names.begin(), names.end()};
}

}  // namespace tyto::survey

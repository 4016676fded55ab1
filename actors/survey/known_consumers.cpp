#include "known_consumers.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

namespace tyto::survey {
namespace {

// A reaction in n partitions has a checkpoint for each, `name#i/n`, i from 0, and n itself under `name#`. What it had
// in earlier numbers of partitions stays, and under `name` what it had before any (docs/storage-format.md).
std::vector<known_consumer> reactions_of(const std::vector<checkpoint>& all) {
  std::map<std::string_view, std::uint64_t> stored;
  for (const auto& each : all) stored.emplace(each.name, each.position);
  const auto stored_at = [&stored](const std::string& name) {
    const auto found = stored.find(name);
    return found == stored.end() ? 0 : found->second;
  };
  std::set<std::string> names;
  for (const auto& each : all) names.insert(each.name.substr(0, each.name.rfind('#')));
  std::vector<known_consumer> known;
  for (const auto& name : names) {
    const auto count = stored_at(name + "#");
    if (count <= 1) known.push_back({name, name, false, stored_at(name)});
    for (std::uint64_t i = 0; count > 1 && i < count; ++i) {
      const auto of = "/" + std::to_string(count);
      known.push_back(
          {name + "[" + std::to_string(i + 1) + of + "]", name, false, stored_at(name + "#" + std::to_string(i) + of)});
    }
  }
  return known;
}

}  // namespace

result<std::vector<known_consumer>> known_consumers(const event_store& journal, const read_model_store* read_models) {
  auto reactions = journal.checkpoints();
  if (!reactions) return std::move(reactions).error();
  auto known = reactions_of(*reactions);
  if (read_models != nullptr) {
    auto projections = read_models->checkpoints();
    if (!projections) return std::move(projections).error();
    for (const auto& each : *projections) known.push_back({each.name, each.name, true, each.position});
  }
  std::ranges::sort(known, {}, &known_consumer::name);
  return known;
}

result<std::vector<known_consumer>> known_consumers(const storage& opened) {
  return known_consumers(*opened.journal, opened.read_models.get());
}

std::vector<std::string> names_of(const std::vector<known_consumer>& consumers) {
  std::set<std::string> names;
  for (const auto& each : consumers) names.insert(each.consumer);
  return {names.begin(), names.end()};
}

}  // namespace tyto::survey

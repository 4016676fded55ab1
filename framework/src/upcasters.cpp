#include "tyto/upcasting.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace tyto {
namespace {

[[noreturn]] void refuse(std::string_view type, const std::string& why) {
  throw std::invalid_argument("tyto: changes of the event type '" + std::string{type} + "': " + why);
}

}  // namespace

upcasters& upcasters::rename(std::string_view from, std::string_view to) {
  if (from == to) refuse(from, "it is renamed to itself");
  auto& changes = changes_of(from);
  if (!changes.renamed_to.empty()) refuse(from, "it is renamed twice");
  if (changes.is_retired) refuse(from, "it is renamed and retired");
  for (const auto* next = find(to); next != nullptr && !next->renamed_to.empty(); next = find(next->renamed_to)) {
    if (next->renamed_to == from) refuse(from, "its renames go in a circle");
  }
  changes.renamed_to = to;
  return *this;
}

upcasters& upcasters::retire(std::string_view type) {
  auto& changes = changes_of(type);
  if (!changes.renamed_to.empty()) refuse(type, "it is renamed and retired");
  if (!changes.steps.empty()) refuse(type, "it is retired and has upcasters");
  changes.is_retired = true;
  return *this;
}

const detail::type_changes* upcasters::find(std::string_view type) const {
  const auto found = changes_.find(type);
  return found == changes_.end() ? nullptr : &found->second;
}

event_filter upcasters::of_stored(event_filter shown) const {
  if (shown.types.empty()) return shown;
  auto stored = shown.types;
  for (const auto& [type, changes] : changes_) {
    if (may_become(type, shown.types)) stored.push_back(type);
  }
  return {std::move(stored), std::move(shown.categories)};
}

bool upcasters::may_become(std::string_view type, const std::vector<std::string>& shown) const {
  for (const auto* changes = find(type); changes != nullptr; changes = find(type)) {
    if (changes->is_retired) return false;
    if (std::ranges::any_of(changes->steps, [](const auto& step) { return step.second.split != nullptr; })) return true;
    if (changes->renamed_to.empty()) break;
    type = changes->renamed_to;
  }
  return std::ranges::find(shown, type) != shown.end();
}

upcasters& upcasters::add_upcast(std::string_view type, std::uint32_t version, detail::upcast_function change) {
  add_step(type, version).upcast = std::move(change);
  return *this;
}

upcasters& upcasters::add_split(std::string_view type, std::uint32_t version, detail::split_function divide) {
  add_step(type, version).split = std::move(divide);
  return *this;
}

detail::upcast_step& upcasters::add_step(std::string_view type, std::uint32_t version) {
  auto& changes = changes_of(type);
  if (changes.is_retired) refuse(type, "it is retired and has upcasters");
  const auto [step, is_new] = changes.steps.try_emplace(version);
  if (!is_new) refuse(type, "two of them lead on from version " + std::to_string(version));
  return step->second;
}

detail::type_changes& upcasters::changes_of(std::string_view type) {
  if (type.starts_with("tyto.")) refuse(type, "the names that begin with 'tyto.' are reserved");
  return changes_[std::string{type}];
}

void upcasters::expect(std::string_view type, std::uint32_t current, std::uint32_t version) {
  if (version >= current) {
    refuse(type, "an upcaster leads on from version " + std::to_string(version) + ", but its schema_version is " +
                     std::to_string(current));
  }
  changes_of(type).current = current;
}

}  // namespace tyto

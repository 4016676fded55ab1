#include "tyto/read_model_store.hpp"

namespace tyto {

result<std::optional<std::string>> row_buffer::get(std::string_view key) const {
  if (const auto found = changes_.find(key); found != changes_.end()) return found->second;
  return base_.get(key);
}

result<void> row_buffer::scan(std::string_view from, const row_visitor& visitor) const {
  auto change = changes_.lower_bound(from);
  bool stopped = false;
  const auto show = [&](std::string_view key, std::string_view value) {
    stopped = visitor(key, value) == visit::stop;
    return stopped ? visit::stop : visit::next;
  };
  const auto show_changes_before = [&](std::optional<std::string_view> key) {
    for (; !stopped && change != changes_.end() && (!key || change->first < *key); ++change) {
      if (change->second) show(change->first, *change->second);
    }
  };
  auto scanned = base_.scan(from, [&](std::string_view key, std::string_view value) {
    show_changes_before(key);
    if (stopped) return visit::stop;
    const bool is_changed = change != changes_.end() && change->first == key;
    const auto* const shown = is_changed ? &(change++)->second : nullptr;
    const auto known_changes = changes_.size();
    const auto after = shown == nullptr ? show(key, value) : *shown ? show(key, **shown) : visit::next;
    // The visitor may have changed a row that is still to come.
    if (changes_.size() != known_changes) change = changes_.upper_bound(key);
    return after;
  });
  if (scanned && !stopped) show_changes_before(std::nullopt);
  return scanned;
}

}  // namespace tyto

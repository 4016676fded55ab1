#include "tyto/detail/row_trials.hpp"

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "tyto/detail/watched_rows.hpp"

namespace tyto::detail {
namespace {

class rows_in_memory final : public row_reader {
 public:
  [[nodiscard]] result<std::optional<std::string>> get(std::string_view key) const override {
    const auto found = rows_.find(key);
    return found == rows_.end() ? std::nullopt : std::optional{found->second};
  }
  result<void> scan(std::string_view from, const row_visitor& visitor) const override {
    for (auto at = rows_.lower_bound(from); at != rows_.end(); ++at) {
      if (visitor(at->first, at->second) == visit::stop) break;
    }
    return {};
  }
  result<void> scan_back(std::string_view before, const row_visitor& visitor) const override {
    auto at = before.empty() ? rows_.end() : rows_.lower_bound(before);
    while (at != rows_.begin()) {
      --at;
      if (visitor(at->first, at->second) == visit::stop) break;
    }
    return {};
  }
  [[nodiscard]] result<std::uint64_t> count() const override { return std::uint64_t{rows_.size()}; }

  void commit(const row_changes& changes) {
    for (const auto& [key, value] : changes) {
      if (value) {
        rows_.insert_or_assign(key, *value);
      } else {
        rows_.erase(key);
      }
    }
  }

 private:
  std::map<std::string, std::string, std::less<>> rows_;
};

using event_span = std::span<const recorded_event>;

void project_event(const projection_definition& definition, const recorded_event& event, row_buffer& rows) {
  definition.handlers.find(event.meta.type)->second(event, rows).value();
}

row_changes changes_by(const projection_definition& definition, event_span events, const row_reader& before) {
  row_buffer rows{before};
  for (const auto& each : events) project_event(definition, each, rows);
  return rows.changes();
}

std::string key_of(const projection_definition& definition, const recorded_event& event) {
  const auto key = definition.keys.find(event.meta.type);
  if (key == definition.keys.end()) return event.meta.persistence_id;
  return key->second(event).value_or(event.meta.persistence_id);
}

// What one of several threads makes of the events of its keys.
struct share {
  explicit share(const row_reader& before) : seen(before), rows(seen) {}
  watched_rows seen;
  row_buffer rows;
};

// Whether `mine` has seen or changed a row that `other` has changed.
bool clash(const share& mine, const share& other) {
  return std::ranges::any_of(other.rows.changes(), [&mine](const auto& each) {
    return mine.seen.saw_all() || mine.seen.keys().contains(each.first) || mine.rows.changes().contains(each.first);
  });
}

// As a runtime's partitions do, each key in one of its own: where one has seen what another one changes, all is done
// again by one.
row_changes changes_by_shares(const projection_definition& definition, event_span events, const row_reader& before) {
  std::map<std::string, std::vector<const recorded_event*>> by_key;
  for (const auto& each : events) by_key[key_of(definition, each)].push_back(&each);
  std::map<std::string, share> shares;
  for (const auto& [key, mine] : by_key) {
    auto& rows = shares.try_emplace(key, before).first->second.rows;
    for (const auto* each : mine) project_event(definition, *each, rows);
  }
  row_changes all;
  for (const auto& mine : shares) {
    for (const auto& other : shares) {
      if (&mine != &other && clash(mine.second, other.second)) return changes_by(definition, events, before);
    }
    for (const auto& change : mine.second.rows.changes()) all.insert(change);
  }
  return all;
}

built_rows in_batches(const projection_definition& definition, event_span events, std::size_t size, bool is_shared,
                      std::string how) {
  const auto rows = std::make_shared<rows_in_memory>();
  while (!events.empty()) {
    const auto batch = events.first(std::min(size, events.size()));
    rows->commit(is_shared ? changes_by_shares(definition, batch, *rows) : changes_by(definition, batch, *rows));
    events = events.subspan(batch.size());
  }
  return {std::move(how), rows};
}

}  // namespace

std::vector<built_rows> build_rows(const projection_definition& definition, const std::vector<recorded_event>& events) {
  const auto all = std::max<std::size_t>(events.size(), 1);
  std::vector<built_rows> built;
  built.push_back(in_batches(definition, events, all, false, "in one batch"));
  built.push_back(
      in_batches(definition, events, all, false, "when the same events are handled again, as by a rebuild"));
  for (std::size_t size : {1, 2, 3}) {
    if (size >= events.size()) break;
    built.push_back(in_batches(definition, events, size, false, "with batches of " + std::to_string(size)));
  }
  if (definition.partitions > 1) {
    built.push_back(in_batches(definition, events, all, true, "when partitions share the events by their keys"));
  }
  return built;
}

bool are_same_rows(const row_reader& one, const row_reader& other) {
  const auto all = [](const row_reader& rows) {
    std::vector<std::pair<std::string, std::string>> list;
    rows.scan({}, [&list](std::string_view key,
                          std::string_view value) { return list.emplace_back(key, value), visit::next; })
        .value();
    return list;
  };
  return all(one) == all(other);
}

}  // namespace tyto::detail

#include "pending_deadlines.hpp"

#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "known_consumers.hpp"
#include "tyto/codec.hpp"
#include "tyto/row_key.hpp"

namespace tyto::survey {
namespace {

constexpr std::string_view suffix = "/deadlines";  // of the consumer that lists them (docs/storage-format.md)

result<void> add_deadlines_of(const storage& opened, const std::string& list, std::vector<pending_deadline>& to) {
  const auto manager = list.substr(0, list.size() - suffix.size());
  auto rows = opened.read_models->snapshot(list);
  if (!rows) return std::move(rows).error();
  return (*rows)->scan("", [&](std::string_view key, std::string_view value) {
    std::pair<std::string, std::string> of;  // the instance's key and the deadline's name
    const auto row = nlohmann::json::parse(to_json(value), nullptr, false);
    if (!from_row_key(key, of) || !row.is_object() || !row.contains("due")) return visit::next;
    if (!row["due"].is_number_integer()) return visit::next;
    const timestamp due{std::chrono::microseconds{row["due"].get<std::int64_t>()}};
    to.push_back({manager, std::move(of.first), std::move(of.second), due});
    return visit::next;
  });
}

}  // namespace

result<std::vector<pending_deadline>> pending_deadlines(const storage& opened) {
  auto consumers = known_consumers(opened);
  if (!consumers) return std::move(consumers).error();
  std::vector<pending_deadline> found;
  for (const auto& each : *consumers) {
    if (!each.has_rows || !each.name.ends_with(suffix)) continue;
    if (auto added = add_deadlines_of(opened, each.name, found); !added) return std::move(added).error();
  }
  return found;
}

}  // namespace tyto::survey

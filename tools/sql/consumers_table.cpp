// The table `consumers`: how far each reaction and each read model is.
#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <utility>

#include "tables.hpp"

namespace tyto::sql {
namespace {

enum : int { name, kind, position, lag };

constexpr std::array<column, 4> all_columns{
    {{"name", "TEXT"}, {"kind", "TEXT"}, {"position", "INTEGER"}, {"lag", "INTEGER"}}};

struct consumer_row {
  std::string name;
  const char* kind;
  std::uint64_t position;
};

// A reaction in n partitions has a checkpoint for each, `name#i/n`, and n itself under `name#`; what it had in earlier
// numbers of partitions stays, and under `name` what it had before any. It is as far as the slowest that counts.
std::map<std::string, std::uint64_t> positions_by_reaction(const std::vector<checkpoint>& all) {
  std::map<std::string_view, std::uint64_t> stored;
  for (const auto& each : all) stored.emplace(each.name, each.position);
  const auto stored_at = [&stored](const std::string& checkpoint) {
    const auto found = stored.find(checkpoint);
    return found == stored.end() ? 0 : found->second;
  };
  std::map<std::string, std::uint64_t> positions;
  for (const auto& each : all) {
    const auto reaction = each.name.substr(0, each.name.find('#'));
    if (positions.contains(reaction)) continue;
    const auto count = stored_at(reaction + "#");
    auto slowest = count > 1 ? stored_at(reaction + "#0/" + std::to_string(count)) : stored_at(reaction);
    for (std::uint64_t i = 1; i < count; ++i) {
      slowest = std::min(slowest, stored_at(reaction + "#" + std::to_string(i) + "/" + std::to_string(count)));
    }
    positions.emplace(reaction, slowest);
  }
  return positions;
}

class consumers_cursor final : public list_cursor<consumer_row> {
 public:
  using list_cursor::list_cursor;

  result<void> show(int column, sqlite3_context* to) const override {
    const auto& c = row();
    if (column == name) show_text(to, c.name);
    if (column == kind) show_text(to, c.kind);
    if (column == position) show_number(to, c.position);
    if (column == lag) show_number(to, head_ - std::min(head_, c.position));
    return {};
  }

 private:
  result<void> list(const request&, std::vector<consumer_row>& rows) override {
    auto head = opened().head();
    auto reactions = head ? opened().journal().checkpoints() : std::move(head).error();
    if (!reactions) return std::move(reactions).error();
    head_ = *head;
    for (const auto& [reaction, at] : positions_by_reaction(*reactions)) rows.push_back({reaction, "reaction", at});
    if (opened().read_models() == nullptr) return {};
    auto models = opened().read_models()->checkpoints();
    if (!models) return std::move(models).error();
    for (auto& each : *models) rows.push_back({std::move(each.name), "read model", each.position});
    return {};
  }

  std::uint64_t head_ = 0;
};

class consumers final : public table {
 public:
  explicit consumers(std::shared_ptr<opened_journal> what) : what_(std::move(what)) {}

  [[nodiscard]] std::span<const column> columns() const override { return all_columns; }
  [[nodiscard]] const char* primary_key() const override { return "name, kind"; }
  [[nodiscard]] bool takes(int, comparison) const override { return false; }
  [[nodiscard]] estimate expect(std::span<const constraint>) const override { return {20, 40}; }
  [[nodiscard]] std::unique_ptr<cursor> open() const override { return std::make_unique<consumers_cursor>(what_); }

 private:
  std::shared_ptr<opened_journal> what_;
};

}  // namespace

table_maker consumers_table(std::shared_ptr<opened_journal> what) { return maker_of<consumers>(std::move(what)); }

}  // namespace tyto::sql

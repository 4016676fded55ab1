// The table `consumers`: how far each reaction and each read model is.
#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <utility>

#include "known_consumers.hpp"
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
    if (!head) return std::move(head).error();
    head_ = *head;
    auto known = survey::known_consumers(opened().journal(), opened().read_models());
    if (!known) return std::move(known).error();
    // A reaction is as far as the slowest of its partitions.
    std::map<std::pair<std::string, bool>, std::uint64_t> slowest;
    for (const auto& each : *known) {
      const auto [found, is_first] = slowest.try_emplace({each.consumer, each.has_rows}, each.position);
      if (!is_first) found->second = std::min(found->second, each.position);
    }
    for (const auto& [of, at] : slowest) rows.push_back({of.first, of.second ? "read model" : "reaction", at});
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

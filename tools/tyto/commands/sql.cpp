// `tyto sql`: questions in SQL.
#include <algorithm>

#include "commands.hpp"
#include "opened.hpp"
#include "output.hpp"
#include "sql_rows.hpp"
#include "table.hpp"
#include "tyto/printable.hpp"

namespace tyto::tool {
namespace {

using json = nlohmann::ordered_json;

cell cell_of(const json& value) {
  auto text = value.is_null() ? std::string{} : value.is_string() ? value.get<std::string>() : to_text(value);
  auto shown = cell::of(text);
  shown.value = value;
  return shown;
}

// Rows are put into columns when all of them are known, so they are held: this many, then the next table begins.
constexpr std::size_t rows_of_table = 10'000;

class row_table {
 public:
  explicit row_table(const style& how) : how_(how) {}

  result<void> add(const std::vector<std::string>& columns, const json& row) {
    if (how_.json) return print(to_text(row) + "\n");
    if (!rows_) begin(columns);
    std::vector<cell> cells;
    cells.reserve(columns.size());
    for (const auto& name : columns) cells.push_back(cell_of(row[name]));
    rows_->add(std::move(cells));
    return ++held_ < rows_of_table ? result<void>{} : finish();
  }
  result<void> finish() {
    if (!rows_) return {};
    held_ = 0;
    return print(std::exchange(rows_, std::nullopt)->shown(how_));
  }

 private:
  void begin(const std::vector<std::string>& columns) {
    std::vector<table::column> described;
    for (const auto& name : columns)
      described.push_back({.name = printable(name), .to = align::left, .is_exact = true});
    rows_.emplace(std::move(described));
  }

  const style& how_;
  std::optional<table> rows_;
  std::size_t held_ = 0;
};

}  // namespace

outcome run_sql(const setting& given, const std::string& query, std::uint64_t max_rows) {
  auto opened = open_for_reading(given.directory);
  if (!opened) return std::move(opened).error();
  row_table rows{given.how};
  result<void> printed;
  sql::query_limits limits;
  if (max_rows > 0) limits.max_rows = max_rows;
  auto asked = query_rows(*opened, query, limits, [&](const std::vector<std::string>& columns, const json& row) {
    printed = rows.add(columns, row);
    return printed ? visit::next : visit::stop;
  });
  if (printed) printed = rows.finish();
  if (!asked) return std::move(asked).error();
  if (!printed) return std::move(printed).error();
  if (asked->rows == 0 && !given.how.json) note("no rows");
  return done;
}

}  // namespace tyto::tool

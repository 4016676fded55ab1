#include "sql_rows.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <memory>

#include "sql_tables.hpp"

namespace tyto::tool {
namespace {

using json = nlohmann::ordered_json;

struct closed_at_end {
  void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
};
using database = std::unique_ptr<sqlite3, closed_at_end>;

result<database> open_tables(const storage& opened) {
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(":memory:", &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY, nullptr);
  database db{handle};
  if (code != SQLITE_OK) return error{errc::io, "opening SQLite", sqlite3_errstr(code)};
  auto added = sql::add_tables(handle, opened);
  if (added) added = sql::make_read_only(handle);
  if (!added) return std::move(added).error();
  return db;
}

json to_json_value(const sql::sql_value& value) {
  struct visitor {
    json operator()(std::nullptr_t) const { return nullptr; }
    json operator()(std::int64_t number) const { return number; }
    json operator()(double number) const { return number; }
    json operator()(std::string_view text) const { return text; }
    json operator()(sql::blob blob) const {
      std::string digits;
      for (const char each : blob.bytes) digits += fmt::format("{:02x}", static_cast<unsigned char>(each));
      return digits;
    }
  };
  return std::visit(visitor{}, value);
}

}  // namespace

result<sql::query_outcome> query_rows(
    const storage& opened, const std::string& query, const sql::query_limits& limits,
    const std::function<visit(const std::vector<std::string>& columns, json row)>& see) {
  auto db = open_tables(opened);
  if (!db) return std::move(db).error();
  return sql::run_query(
      db->get(), query,
      [&](const std::vector<std::string>& columns, std::span<const sql::sql_value> values) {
        auto row = json::object();
        for (std::size_t i = 0; i < columns.size(); ++i) row[columns[i]] = to_json_value(values[i]);
        return see(columns, std::move(row));
      },
      limits);
}

}  // namespace tyto::tool

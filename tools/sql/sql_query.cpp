#include "sql_query.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "sqlite_api.hpp"

namespace tyto::sql {
namespace {

constexpr auto running = "running a statement of SQL";
constexpr int most_bytes_of_a_value = 64 << 20;
constexpr int steps_between_looks = 1000;  // at the clock; check_interrupt() in virtual_table.cpp counts on it

struct finalize {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using statement_ptr = std::unique_ptr<sqlite3_stmt, finalize>;

// Compiles the first statement of `sql`, which may be none, and takes it off.
result<statement_ptr> compile(sqlite3* db, std::string_view& sql) {
  sqlite3_stmt* compiled = nullptr;
  const char* rest = nullptr;
  const int code = sqlite3_prepare_v2(db, sql.data(), static_cast<int>(sql.size()), &compiled, &rest);
  if (code != SQLITE_OK) {
    return error{code == SQLITE_INTERRUPT ? errc::timeout : errc::invalid_argument, running, sqlite3_errmsg(db)};
  }
  sql.remove_prefix(static_cast<std::size_t>(rest - sql.data()));
  return statement_ptr{compiled};
}

// Compiles `sql`, which must be one statement; comments and semicolons may follow it.
result<statement_ptr> compile_one(sqlite3* db, std::string_view sql) {
  if (sql.find('\0') != std::string_view::npos || sql.size() > std::size_t{1} << 20) {
    return error{errc::invalid_argument, running, "it has a NUL byte, or more than 1 MiB"};
  }
  auto one = compile(db, sql);
  if (!one) return one;
  if (*one == nullptr) return error{errc::invalid_argument, running, "there is none: it is empty, or a comment"};
  while (!sql.empty()) {
    auto other = compile(db, sql);
    if (!other || *other != nullptr) {
      return error{errc::invalid_argument, running, "there is more than one: run them one by one"};
    }
  }
  return one;
}

sql_value value_at(sqlite3_stmt* row, int column) {
  const auto bytes = [&](const void* data) {
    return std::string_view{static_cast<const char*>(data),
                            static_cast<std::size_t>(sqlite3_column_bytes(row, column))};
  };
  switch (sqlite3_column_type(row, column)) {
    case SQLITE_INTEGER:
      return std::int64_t{sqlite3_column_int64(row, column)};
    case SQLITE_FLOAT:
      return sqlite3_column_double(row, column);
    case SQLITE_TEXT: {
      const auto* text = sqlite3_column_text(row, column);  // before the number of its bytes
      return bytes(text);
    }
    case SQLITE_BLOB: {
      const auto* data = sqlite3_column_blob(row, column);
      return blob{bytes(data)};
    }
    default:
      return nullptr;
  }
}

// Ends what runs on a connection when the time is over.
class time_limit {
 public:
  time_limit(sqlite3* db, std::optional<std::chrono::milliseconds> time) : db_(db) {
    if (!time) return;
    end_ = std::chrono::steady_clock::now() + *time;
    sqlite3_progress_handler(db_, steps_between_looks, is_over, this);
  }
  ~time_limit() { sqlite3_progress_handler(db_, 0, nullptr, nullptr); }
  time_limit(const time_limit&) = delete;
  time_limit& operator=(const time_limit&) = delete;

  [[nodiscard]] bool is_over() const { return end_ && std::chrono::steady_clock::now() >= *end_; }

 private:
  static int is_over(void* limit) { return static_cast<const time_limit*>(limit)->is_over() ? 1 : 0; }

  sqlite3* db_;
  std::optional<std::chrono::steady_clock::time_point> end_;
};

error failure(sqlite3* db, int code, const time_limit& limit) {
  if (code != SQLITE_INTERRUPT) return {errc::io, running, sqlite3_errmsg(db)};
  return {errc::timeout, running, limit.is_over() ? "it took too long" : "it was interrupted"};
}

// Functions of the sqlite3 shell and of SQLite's own extensions that do more than compute.
constexpr std::array<std::string_view, 8> refused_functions{
    "load_extension", "readfile", "writefile", "edit", "lsmode", "fsdir", "fts3_tokenizer", "tyto_open"};
constexpr std::array<std::string_view, 6> allowed_pragmas{"table_info",    "table_xinfo",   "table_list",
                                                          "function_list", "database_list", "compile_options"};

bool is_one_of(std::span<const std::string_view> names, const char* name) {
  return name != nullptr && std::ranges::any_of(names, [name](std::string_view each) {
           return sqlite3_stricmp(each.data(), name) == 0;  // they end with a NUL
         });
}

// That a virtual table is declared, when it is used for the first time, SQLite takes for an update of its schema. A
// statement cannot update that, whatever is said here.
bool is_declaration(int action, const char* table) {
  return action == SQLITE_UPDATE && table != nullptr &&
         (std::string_view{table} == "sqlite_master" || std::string_view{table} == "sqlite_temp_master");
}

int authorize(void*, int action, const char* first, const char* second, const char*, const char*) {
  if (is_declaration(action, first)) return SQLITE_OK;
  switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_RECURSIVE:
      return SQLITE_OK;
    case SQLITE_FUNCTION:
      return is_one_of(refused_functions, second) ? SQLITE_DENY : SQLITE_OK;
    case SQLITE_PRAGMA:
      return is_one_of(allowed_pragmas, first) ? SQLITE_OK : SQLITE_DENY;
    default:
      return SQLITE_DENY;
  }
}

}  // namespace

result<query_outcome> run_query(sqlite3* db, std::string_view sql, const sql_row_visitor& visitor,
                                const query_limits& limits) {
  const time_limit limit{db, limits.time};
  auto statement = compile_one(db, sql);
  if (!statement) return std::move(statement).error();
  auto* const row = statement->get();
  query_outcome outcome;
  const int columns = sqlite3_column_count(row);
  for (int i = 0; i < columns; ++i) outcome.columns.emplace_back(sqlite3_column_name(row, i));
  std::vector<sql_value> values(outcome.columns.size());
  bool goes_on = true;
  int code = sqlite3_step(row);
  for (; code == SQLITE_ROW && goes_on && outcome.rows < limits.max_rows; code = sqlite3_step(row)) {
    for (int i = 0; i < columns; ++i) values[static_cast<std::size_t>(i)] = value_at(row, i);
    goes_on = visitor(outcome.columns, values) == visit::next;
    ++outcome.rows;
  }
  if (code != SQLITE_ROW && code != SQLITE_DONE) return failure(db, code, limit);
  outcome.has_more = code == SQLITE_ROW;
  return outcome;
}

result<void> make_read_only(sqlite3* db) {
  const int codes[] = {sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr),
                       sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, nullptr),
                       sqlite3_set_authorizer(db, authorize, nullptr)};
  sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
  sqlite3_limit(db, SQLITE_LIMIT_LENGTH, most_bytes_of_a_value);
  const auto* const failed = std::ranges::find_if(codes, [](int code) { return code != SQLITE_OK; });
  if (failed == std::end(codes)) return {};
  return error{errc::io, "making a connection of SQLite read-only", sqlite3_errmsg(db)};
}

}  // namespace tyto::sql

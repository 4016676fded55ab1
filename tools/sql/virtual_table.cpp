#include "virtual_table.hpp"

#include <algorithm>
#include <array>
#include <exception>
#include <new>
#include <utility>

namespace tyto::sql {
namespace {

constexpr int sqlite_for_in = 3'038'000;  // from which on all values of IN are to be had at once

struct module_source {
  table_maker make;
};

// SQLite's bases come first, so that what it hands back can be cast.
struct vtab {
  sqlite3_vtab base{};
  sqlite3* db = nullptr;
  std::unique_ptr<table> what;
};

struct vtab_cursor {
  sqlite3_vtab_cursor base{};
  std::unique_ptr<cursor> rows;
};

vtab& of(sqlite3_vtab* base) { return *reinterpret_cast<vtab*>(base); }
vtab_cursor& of(sqlite3_vtab_cursor* base) { return *reinterpret_cast<vtab_cursor*>(base); }

char* copied(const std::string& text) { return sqlite3_mprintf("%s", text.c_str()); }

// Sets what SQLite will show of `failed`, and returns its code.
int report(const error& failed, char*& message) {
  sqlite3_free(message);
  message = copied(failed.message());
  return failed.code() == errc::timeout ? SQLITE_INTERRUPT : SQLITE_ERROR;
}

// Calls `work`, which returns result<void>, and returns SQLite's code.
template <class Work>
int guarded(char*& message, const Work& work) noexcept {
  try {
    const result<void> done = work();
    return done ? SQLITE_OK : report(done.error(), message);
  } catch (const std::bad_alloc&) {
    return SQLITE_NOMEM;
  } catch (const std::exception& thrown) {
    sqlite3_free(message);
    message = copied(thrown.what());
    return SQLITE_ERROR;
  }
}

std::string unquoted(std::string_view text) {
  if (text.size() < 2 || (text.front() != '\'' && text.front() != '"')) return std::string{text};
  std::string plain;
  for (std::size_t i = 1; i + 1 < text.size(); ++i) {
    plain += text[i];
    if (text[i] == text.front()) ++i;
  }
  return plain;
}

std::string declaration(const table& what) {
  std::string text = "CREATE TABLE x(";
  for (const auto& each : what.columns()) {
    text += each.name;
    text += ' ';
    text += each.type;
    text += ", ";
  }
  if (*what.primary_key() == '\0') return text.erase(text.size() - 2) + ")";
  return text + "PRIMARY KEY (" + what.primary_key() + ")) WITHOUT ROWID";
}

int connect(sqlite3* db, void* source, int count, const char* const* arguments, sqlite3_vtab** made, char** message) {
  return guarded(*message, [&]() -> result<void> {
    std::vector<std::string> given;
    for (int i = 3; i < count; ++i) given.push_back(unquoted(arguments[i]));
    auto what = static_cast<module_source*>(source)->make(given);
    if (!what) return std::move(what).error();
    if (sqlite3_declare_vtab(db, declaration(**what).c_str()) != SQLITE_OK) {
      return error{errc::io, "declaring a table", sqlite3_errmsg(db)};
    }
    auto connected = std::make_unique<vtab>();
    connected->db = db;
    connected->what = *std::move(what);
    *made = &connected.release()->base;
    return {};
  });
}

int disconnect(sqlite3_vtab* base) {
  delete &of(base);
  return SQLITE_OK;
}

// How a plan is written, for xFilter and for who reads EXPLAIN QUERY PLAN.
constexpr std::array<std::pair<comparison, std::string_view>, 6> signs{{{comparison::equal, "="},
                                                                        {comparison::one_of, " IN "},
                                                                        {comparison::less_equal, "<="},
                                                                        {comparison::greater_equal, ">="},
                                                                        {comparison::less, "<"},
                                                                        {comparison::greater, ">"}}};
constexpr std::string_view end_of_constraint = "?; ";
constexpr std::string_view descending = "descending";

std::string_view sign_of(comparison how) {
  return std::ranges::find(signs, how, &std::pair<comparison, std::string_view>::first)->second;
}

std::string plan_of(const table& what, const std::vector<constraint>& taken, bool is_descending) {
  std::string plan;
  for (const auto& each : taken) {
    plan += what.columns()[static_cast<std::size_t>(each.column)].name;
    plan += sign_of(each.how);
    plan += end_of_constraint;
  }
  if (is_descending) return plan += descending;
  return plan.empty() ? plan : plan.erase(plan.size() - 2);
}

constraint constraint_in(const table& what, std::string_view text) {
  const auto name = text.substr(0, text.find_first_of(" <>="));
  text.remove_prefix(name.size());
  const auto columns = what.columns();
  const auto found = std::ranges::find(columns, name, &column::name);
  const auto sign = std::ranges::find_if(signs, [text](const auto& each) { return text.starts_with(each.second); });
  return {static_cast<int>(found - columns.begin()), sign->first, nullptr};
}

request request_of(const table& what, int columns, std::string_view plan, sqlite3_value** values) {
  request asked;
  asked.columns = static_cast<std::uint32_t>(columns);
  while (!plan.empty() && plan != descending) {
    const auto size = plan.find('?');
    asked.constraints.push_back(constraint_in(what, plan.substr(0, size)));
    asked.constraints.back().value = *values++;
    plan.remove_prefix(std::min(plan.size(), size + end_of_constraint.size()));
  }
  asked.is_descending = plan == descending;
  return asked;
}

std::optional<comparison> comparison_of(unsigned char op) {
  switch (op) {
    case SQLITE_INDEX_CONSTRAINT_EQ:
      return comparison::equal;
    case SQLITE_INDEX_CONSTRAINT_LT:
      return comparison::less;
    case SQLITE_INDEX_CONSTRAINT_LE:
      return comparison::less_equal;
    case SQLITE_INDEX_CONSTRAINT_GT:
      return comparison::greater;
    case SQLITE_INDEX_CONSTRAINT_GE:
      return comparison::greater_equal;
    default:
      return std::nullopt;
  }
}

// Returns how the table takes constraint number `i`, if it does.
std::optional<constraint> taken(const table& what, sqlite3_index_info& info, int i) {
  const auto& given = info.aConstraint[i];
  const auto how = comparison_of(given.op);
  if (given.usable == 0 || !how) return std::nullopt;
  if (std::string_view{sqlite3_vtab_collation(&info, i)} != "BINARY") return std::nullopt;  // as we compare
  const int column = std::max(given.iColumn, 0);  // a row's number is in the first one
  const bool is_in = *how == comparison::equal && sqlite3_vtab_in(&info, i, -1) != 0;
  if (is_in && what.takes(column, comparison::one_of)) {
    sqlite3_vtab_in(&info, i, 1);
    return constraint{column, comparison::one_of, nullptr};
  }
  if (!what.takes(column, *how)) return std::nullopt;
  return constraint{column, *how, nullptr};
}

int best_index(sqlite3_vtab* base, sqlite3_index_info* info) {
  return guarded(base->zErrMsg, [&]() -> result<void> {
    const auto& what = *of(base).what;
    std::vector<constraint> all;
    for (int i = 0; i < info->nConstraint; ++i) {
      const auto one = taken(what, *info, i);
      if (!one) continue;
      all.push_back(*one);
      info->aConstraintUsage[i].argvIndex = static_cast<int>(all.size());
    }
    const bool in_order =
        *what.primary_key() == '\0' && info->nOrderBy > 0 && info->aOrderBy[0].iColumn <= 0;  // numbers are unique
    const bool is_descending = in_order && info->aOrderBy[0].desc != 0;
    info->orderByConsumed = in_order ? 1 : 0;
    const auto expected = what.expect(all);
    info->estimatedRows = static_cast<sqlite3_int64>(std::max(expected.rows, 1.0));
    info->estimatedCost = expected.cost;
    info->idxNum = static_cast<int>(info->colUsed & 0x7fffffff);
    info->idxStr = copied(plan_of(what, all, is_descending));
    if (info->idxStr == nullptr) throw std::bad_alloc{};
    info->needToFreeIdxStr = 1;
    return {};
  });
}

int open(sqlite3_vtab* base, sqlite3_vtab_cursor** made) {
  return guarded(base->zErrMsg, [&]() -> result<void> {
    auto opened = std::make_unique<vtab_cursor>();
    opened->rows = of(base).what->open();
    *made = &opened.release()->base;
    return {};
  });
}

int close(sqlite3_vtab_cursor* base) {
  delete &of(base);
  return SQLITE_OK;
}

int filter(sqlite3_vtab_cursor* base, int columns, const char* plan, int, sqlite3_value** values) {
  return guarded(base->pVtab->zErrMsg,
                 [&] { return of(base).rows->begin(request_of(*of(base->pVtab).what, columns, plan, values)); });
}

int next(sqlite3_vtab_cursor* base) {
  return guarded(base->pVtab->zErrMsg, [&] { return of(base).rows->next(); });
}

int eof(sqlite3_vtab_cursor* base) { return of(base).rows->at_end() ? 1 : 0; }

int show(sqlite3_vtab_cursor* base, sqlite3_context* to, int column) {
  char* message = nullptr;
  const int code = guarded(message, [&] { return of(base).rows->show(column, to); });
  if (code != SQLITE_OK) {
    sqlite3_result_error(to, message == nullptr ? "out of memory" : message, -1);
    sqlite3_result_error_code(to, code);
  }
  sqlite3_free(message);
  return code;
}

int rowid(sqlite3_vtab_cursor* base, sqlite3_int64* number) {
  *number = of(base).rows->rowid();
  return SQLITE_OK;
}

// Without xUpdate, so every attempt to write fails.
const sqlite3_module& callbacks() {
  static const sqlite3_module shared = [] {
    sqlite3_module made{};
    made.iVersion = 1;
    made.xCreate = connect;
    made.xConnect = connect;
    made.xBestIndex = best_index;
    made.xDisconnect = disconnect;
    made.xDestroy = disconnect;
    made.xOpen = open;
    made.xClose = close;
    made.xFilter = filter;
    made.xNext = next;
    made.xEof = eof;
    made.xColumn = show;
    made.xRowid = rowid;
    return made;
  }();
  return shared;
}

}  // namespace

sqlite3_value* request::equal_to(int column) const {
  for (const auto& each : constraints) {
    if (each.column == column && each.how == comparison::equal) return each.value;
  }
  return nullptr;
}

result<void> add_module(sqlite3* db, const char* name, table_maker make) {
  const auto doing = "adding the tables of a journal to a connection of SQLite";
  if (sqlite3_libversion_number() < sqlite_for_in) {
    return error{errc::invalid_argument, doing,
                 std::string{"this is SQLite "} + sqlite3_libversion() + ", and it takes 3.38 or newer"};
  }
  auto source = std::make_unique<module_source>(module_source{std::move(make)});
  // SQLite owns the source from here on, also where this fails.
  const int code = sqlite3_create_module_v2(db, name, &callbacks(), source.release(),
                                            [](void* gone) { delete static_cast<module_source*>(gone); });
  return code == SQLITE_OK ? result<void>{} : error{errc::io, doing, sqlite3_errmsg(db)};
}

// Between two rows of ours SQLite runs nothing and so sees neither sqlite3_interrupt() nor a progress handler. A short
// statement has it look; its steps are as many as it takes to have a progress handler called that wants to be every
// thousand.
result<void> check_interrupt(sqlite3* db) {
  const int code = sqlite3_exec(
      db,
      "WITH RECURSIVE step(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM step WHERE i < 150) SELECT count(*) FROM step",
      nullptr, nullptr, nullptr);
  return code == SQLITE_INTERRUPT ? error{errc::timeout, "reading the journal", "interrupted"} : result<void>{};
}

result<void> run(sqlite3* db, const std::string& statements, const std::string& doing) {
  const int code = sqlite3_exec(db, statements.c_str(), nullptr, nullptr, nullptr);
  if (code == SQLITE_OK) return {};
  if ((code & 0xff) != SQLITE_LOCKED) return error{errc::io, doing, sqlite3_errmsg(db)};
  return error{errc::conflict, doing, "a statement still reads the tables that are there: let it end first"};
}

std::string quoted(std::string_view name, char quote) {
  std::string text{quote};
  for (const char c : name) {
    if (c == quote) text += c;
    text += c;
  }
  return text += quote;
}

// Copies: SQLite may keep a value, for example as the greatest so far, when the row has gone.
void show_text(sqlite3_context* to, std::string_view text) {
  sqlite3_result_text64(to, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}

void show_known(sqlite3_context* to, std::string_view text) {
  text.empty() ? sqlite3_result_null(to) : show_text(to, text);
}

void show_number(sqlite3_context* to, std::uint64_t number) {
  sqlite3_result_int64(to, static_cast<sqlite3_int64>(number));
}

std::optional<std::vector<std::string>> texts_of(const constraint& given) {
  std::vector<std::string> texts;
  const auto add = [&texts](sqlite3_value* value) {
    if (sqlite3_value_type(value) == SQLITE_NULL) return true;
    if (sqlite3_value_type(value) != SQLITE_TEXT) return false;
    const auto* text = reinterpret_cast<const char*>(sqlite3_value_text(value));
    if (text == nullptr) throw std::bad_alloc{};
    texts.emplace_back(text, static_cast<std::size_t>(sqlite3_value_bytes(value)));
    return true;
  };
  if (given.how != comparison::one_of) return add(given.value) ? std::optional{texts} : std::nullopt;
  sqlite3_value* each = nullptr;
  int code = sqlite3_vtab_in_first(given.value, &each);
  for (; code == SQLITE_OK && each != nullptr; code = sqlite3_vtab_in_next(given.value, &each)) {
    if (!add(each)) return std::nullopt;
  }
  if (code == SQLITE_NOMEM) throw std::bad_alloc{};
  return texts;
}

}  // namespace tyto::sql

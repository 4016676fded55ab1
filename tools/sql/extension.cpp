// The loadable extension: a function `tyto_open(directory)`, which makes the tables of the storage there part of the
// connection.
#include <cstdint>
#include <exception>
#include <new>
#include <string>

#include "sql_tables.hpp"
#include "sqlite_api.hpp"
#include "tyto/lmdb_store.hpp"

SQLITE_EXTENSION_INIT1

namespace {

using namespace tyto;

// Opens the storage in `directory` beside whoever writes it, and returns where its journal ends.
result<std::uint64_t> open_directory(sqlite3* db, const std::string& directory) {
  auto opened = open_lmdb({.path = directory, .read_only = true});
  if (!opened) return std::move(opened).error();
  if (auto added = sql::add_tables(db, *opened); !added) return std::move(added).error();
  return opened->journal->head();
}

void tyto_open(sqlite3_context* context, int, sqlite3_value** arguments) {
  try {
    if (sqlite3_value_type(arguments[0]) != SQLITE_TEXT) {
      return sqlite3_result_error(context, "tyto_open() takes the path of a directory, as text", -1);
    }
    const std::string directory = reinterpret_cast<const char*>(sqlite3_value_text(arguments[0]));
    const auto head = open_directory(sqlite3_context_db_handle(context), directory);
    if (!head) return sqlite3_result_error(context, head.error().message().c_str(), -1);
    sqlite3_result_int64(context, static_cast<sqlite3_int64>(*head));
  } catch (const std::bad_alloc&) {
    sqlite3_result_error_nomem(context);
  } catch (const std::exception& thrown) {
    sqlite3_result_error(context, thrown.what(), -1);
  }
}

}  // namespace

/// SQLite calls it when it loads tyto_sqlite.so.
extern "C" __attribute__((visibility("default"))) int sqlite3_tytosqlite_init(sqlite3* db, char**,
                                                                              const sqlite3_api_routines* api) {
  SQLITE_EXTENSION_INIT2(api)
  // Not for triggers and views: who opens a database of another's must not open a directory by that.
  return sqlite3_create_function_v2(db, "tyto_open", 1, SQLITE_UTF8 | SQLITE_DIRECTONLY, nullptr, tyto_open, nullptr,
                                    nullptr, nullptr);
}

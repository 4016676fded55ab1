// One statement of SQL, run for somebody who is not trusted with the machine: bounded in rows and in time, and on a
// connection that reads only.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tyto/result.hpp"
#include "tyto/visit.hpp"

struct sqlite3;

namespace tyto::sql {

/// Bytes that are no text.
struct blob {
  std::string_view bytes;
};

/// A value of SQL: NULL, an integer, a floating point number, text or bytes. Lent for the visit of its row; text may
/// hold any bytes, so printable() it for a terminal.
using sql_value = std::variant<std::nullptr_t, std::int64_t, double, std::string_view, blob>;

/// Called for one row after the other.
using sql_row_visitor =
    std::function<visit(const std::vector<std::string>& columns, std::span<const sql_value> values)>;

struct query_limits {
  std::uint64_t max_rows = std::numeric_limits<std::uint64_t>::max();
  std::optional<std::chrono::milliseconds> time = {};  // of the operating system's steady clock
};

/// What a statement has come to.
struct query_outcome {
  std::vector<std::string> columns;
  std::uint64_t rows = 0;  // that were visited
  bool has_more = false;   // it was ended by `max_rows` or the visitor, and there were others
};

/// Runs `sql`, one statement, and visits its rows. sqlite3_interrupt(), from any thread, ends it.
///
/// Fails with errc::invalid_argument if it is no statement, more than one, or not allowed on this connection; with
/// errc::timeout if it took too long or was interrupted; and with errc::io, and SQLite's message, where it fails on the
/// way. The rows before have been visited. Sets the progress handler of `db`, and removes it.
result<query_outcome> run_query(sqlite3* db, std::string_view sql, const sql_row_visitor& visitor,
                                const query_limits& limits = {});

/// From now on `db` takes only statements that read what is there: no others, no ATTACH, no PRAGMA but those that
/// describe tables, no function that reads or writes files or loads code. No value is larger than 64 MiB. SQLite itself
/// may sort in temporary files. Tables are added before. Replaces the authorizer of `db`.
result<void> make_read_only(sqlite3* db);

}  // namespace tyto::sql

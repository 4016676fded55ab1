// Virtual tables as classes: what SQLite's callbacks have in common, so that a table is left with its columns, which
// constraints it takes, and its rows. No exception leaves it, and every error reaches the statement with its message.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sqlite_api.hpp"
#include "tyto/result.hpp"

namespace tyto::sql {

/// What may be pushed down to a table. `one_of` is IN with all of its values at once.
enum class comparison : std::uint8_t { equal, one_of, less, less_equal, greater, greater_equal };

/// A comparison of a column that a table has taken. SQLite compares again, so rows that do not fit may be returned too.
struct constraint {
  int column = 0;
  comparison how = comparison::equal;
  sqlite3_value* value = nullptr;  // null while a statement is planned
};

/// What a statement asks of a cursor. Values are lent until begin() returns.
struct request {
  std::vector<constraint> constraints;
  std::uint32_t columns = 0;  // a bit for each column that is looked at
  bool is_descending = false;

  [[nodiscard]] bool has(int column) const { return (columns >> column & 1U) != 0; }
  /// Returns the value to which `column` must be equal, or nullptr.
  [[nodiscard]] sqlite3_value* equal_to(int column) const;
};

/// One run over a table's rows.
class cursor {
 public:
  virtual ~cursor() = default;
  /// Goes to the first row of what is asked; may be called again.
  virtual result<void> begin(const request& asked) = 0;
  virtual result<void> next() = 0;
  [[nodiscard]] virtual bool at_end() const = 0;
  /// Hands `column` of the row to SQLite.
  virtual result<void> show(int column, sqlite3_context* to) const = 0;
  /// Returns the row's number, for tables without a primary key.
  [[nodiscard]] virtual std::int64_t rowid() const { return 0; }
};

struct column {
  const char* name;
  const char* type;  // with HIDDEN, if `*` is not to have it
};

struct estimate {
  double rows = 1;
  double cost = 1;
};

/// A table, of one connection.
class table {
 public:
  virtual ~table() = default;
  /// At most 31.
  [[nodiscard]] virtual std::span<const column> columns() const = 0;
  /// The columns that tell rows apart; empty: rows have numbers, which are also in the first column, and come in their
  /// order, forwards or backwards as is asked.
  [[nodiscard]] virtual const char* primary_key() const = 0;
  [[nodiscard]] virtual bool takes(int column, comparison how) const = 0;
  [[nodiscard]] virtual estimate expect(std::span<const constraint> taken) const = 0;
  [[nodiscard]] virtual std::unique_ptr<cursor> open() const = 0;
};

/// Makes a table from the arguments of its module, without quotes.
using table_maker = std::function<result<std::unique_ptr<table>>(const std::vector<std::string>& arguments)>;

/// Registers tables made by `make` as the module `name`. One of that name which is there gives way; its tables stay.
result<void> add_module(sqlite3* db, const char* name, table_maker make);

/// Fails with errc::timeout if SQLite was interrupted: for what takes long between two rows.
result<void> check_interrupt(sqlite3* db);

/// Runs statements that return nothing of interest.
result<void> run(sqlite3* db, const std::string& statements, const std::string& doing);

/// Returns `name` as SQL knows it.
std::string quoted(std::string_view name, char quote = '"');

void show_text(sqlite3_context* to, std::string_view text);
/// Shows NULL for what is empty.
void show_known(sqlite3_context* to, std::string_view text);
void show_number(sqlite3_context* to, std::uint64_t number);

/// Returns the texts to which a column is compared by `equal` or `one_of`, but for NULL, to which nothing is equal.
/// None: there are other values, which SQLite compares in ways that a table should not guess.
std::optional<std::vector<std::string>> texts_of(const constraint& given);

}  // namespace tyto::sql

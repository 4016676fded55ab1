// Rows of an answer: columns for a person, JSON for a script. A command fills one table and need not know which it is.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "terminal.hpp"
#include "tyto/clock.hpp"

namespace tyto::tool {

/// One value of a row: as text, and as JSON.
struct cell {
  std::string text;
  nlohmann::ordered_json value;
  std::optional<shade> as = {};

  static cell of(std::string_view text);
  static cell of(std::uint64_t number);
  static cell of(timestamp time, const style& how);
  /// Of a value that is not there: empty, and null.
  static cell none() { return {}; }
  /// Of something whose form for a person differs from the one for a script.
  static cell shown_as(std::string text, nlohmann::ordered_json value) { return {std::move(text), std::move(value)}; }
};

enum class align { left, right };

class table {
 public:
  struct column {
    std::string name;  // as the JSON field has it; a person sees spaces for `_`
    align to = align::left;
    bool is_exact = false;  // its name is shown as it is
  };

  explicit table(std::vector<column> columns) : columns_(std::move(columns)) {}

  /// Adds a row; one cell for each column.
  void add(std::vector<cell> cells) { rows_.push_back(std::move(cells)); }
  [[nodiscard]] bool empty() const { return rows_.empty(); }

  /// Returns the rows as text, with the columns' names above; or as JSON, one object a line. The last column is cut to
  /// the width of the terminal.
  [[nodiscard]] std::string shown(const style& how) const;

 private:
  [[nodiscard]] std::string as_json() const;
  std::vector<column> columns_;
  std::vector<std::vector<cell>> rows_;
};

/// Returns the text of a JSON value on one line. Bytes that are not UTF-8 become U+FFFD.
std::string to_text(const nlohmann::ordered_json& value);

/// Returns `number` with a comma before each three digits, as in "1,234,567".
std::string grouped(std::uint64_t number);

/// Returns a number of bytes in the unit that suits it: "812 B", "1.4 MiB".
std::string show_bytes(std::uint64_t bytes);

}  // namespace tyto::tool

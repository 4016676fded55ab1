// What the keys of a read model's rows are, as the shape that is stored with them says in words
// (docs/storage-format.md), and the keys as values of SQL.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "virtual_table.hpp"

namespace tyto::sql {

/// The form of one type of keys.
class key_shape {
 public:
  /// Returns what `shape`, that of a table, says of its keys; nothing if it is not known or not understood.
  static std::optional<key_shape> of_table(std::string_view shape);

  /// Shows a key: text, an integer, and of more parts a JSON array. Returns false if the bytes are of another form.
  [[nodiscard]] bool show(sqlite3_context* to, std::string_view bytes) const;

  /// Returns the bytes of the key that `value` is; nothing if that is better left to a look at all keys.
  [[nodiscard]] std::optional<std::string> bytes_of(sqlite3_value* value) const;

 private:
  enum class kind { text, integer, parts };

  bool parse(std::string_view& words);
  bool parse_parts(std::string_view& words);
  bool parse_integer(std::string_view& words);
  bool append(std::string& messagepack, std::string_view& bytes) const;
  bool get_integer(std::string_view& bytes, std::uint64_t& bits) const;

  kind kind_ = kind::text;
  bool is_signed_ = false;
  std::size_t bytes_ = 0;
  std::vector<key_shape> parts_;
};

/// Returns whether `shape`, that of a table, says that it has indexes.
bool has_indexes(std::string_view shape);

}  // namespace tyto::sql

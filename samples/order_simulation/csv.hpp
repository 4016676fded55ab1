// Reads CSV as RFC 4180 has it, and knows of every field where it stands, so that whatever is wrong with one can be
// shown to the person who has to mend it. Why it is our own: docs/decisions/0006-own-csv-reader.md.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <tyto/result.hpp>
#include <vector>

namespace shop {

/// A place in a text, for people: both count from 1, and a column is a character (of UTF-8), not a byte.
struct text_place {
  std::size_t line = 1;
  std::size_t column = 1;
};

struct csv_field {
  std::string text;  // without the quotes
  text_place place;  // of its first character or its opening quote
};

struct csv_record {
  std::vector<csv_field> fields;
  text_place end;  // behind its last character
};

/// What is wrong with a text, and where.
struct csv_error {
  text_place place;
  std::string what;
  [[nodiscard]] std::string message() const;
};

/// Takes a text apart, record by record. Lines end in LF or CRLF, the last one may lack its end; a byte order mark at
/// the beginning and empty lines are skipped. Fields hold commas, quotes (doubled) and line ends if they are in quotes.
class csv_reader {
 public:
  /// `text` must outlive the reader.
  explicit csv_reader(std::string_view text);

  /// Returns the next record, or none at the end of the text. Fails on a quote that is not closed, that is followed by
  /// something else than a comma or the line's end, or that stands inside of an unquoted field, and on a lone CR.
  tyto::result<std::optional<csv_record>, csv_error> next();

 private:
  [[nodiscard]] bool at_end() const { return at_ == text_.size(); }
  [[nodiscard]] char peek() const { return text_[at_]; }
  [[nodiscard]] bool at_line_end() const { return at_end() || peek() == '\n' || peek() == '\r'; }
  char take();
  bool skip_line_end();
  std::optional<csv_error> read_field(csv_field& field);
  std::optional<csv_error> read_quoted(csv_field& field);

  std::string_view text_;
  std::size_t at_ = 0;
  text_place place_;
};

}  // namespace shop

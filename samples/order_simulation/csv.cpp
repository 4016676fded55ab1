#include "csv.hpp"

#include <utility>

namespace shop {

std::string csv_error::message() const {
  return std::to_string(place.line) + ":" + std::to_string(place.column) + ": " + what;
}

csv_reader::csv_reader(std::string_view text) : text_(text) {
  if (text_.starts_with("\xEF\xBB\xBF")) text_.remove_prefix(3);
}

char csv_reader::take() {
  const char c = text_[at_++];
  const bool continues_character = (static_cast<unsigned char>(c) & 0xC0) == 0x80;
  if (c == '\n') {
    ++place_.line;
    place_.column = 1;
  } else if (!continues_character) {
    ++place_.column;
  }
  return c;
}

bool csv_reader::skip_line_end() {
  if (at_end()) return true;
  if (peek() == '\r' && text_.substr(at_).starts_with("\r\n")) take();
  if (peek() != '\n') return false;
  take();
  return true;
}

tyto::result<std::optional<csv_record>, csv_error> csv_reader::next() {
  while (!at_end() && at_line_end()) {
    if (!skip_line_end()) return csv_error{place_, "a carriage return without a line feed"};
  }
  if (at_end()) return std::optional<csv_record>{};

  csv_record record;
  for (;;) {
    csv_field field;
    if (auto problem = read_field(field)) return *std::move(problem);
    record.fields.push_back(std::move(field));
    if (at_line_end()) break;
    take();  // the comma
  }
  record.end = place_;
  if (!skip_line_end()) return csv_error{place_, "a carriage return without a line feed"};
  return std::optional{std::move(record)};
}

std::optional<csv_error> csv_reader::read_field(csv_field& field) {
  field.place = place_;
  if (!at_end() && peek() == '"') return read_quoted(field);
  while (!at_line_end() && peek() != ',') {
    if (peek() == '"') {
      return csv_error{place_, "a quote inside of a field; put the whole field in quotes and double this one"};
    }
    field.text += take();
  }
  return std::nullopt;
}

std::optional<csv_error> csv_reader::read_quoted(csv_field& field) {
  take();
  for (;;) {
    if (at_end()) return csv_error{field.place, "the quote that opens here is never closed"};
    if (peek() != '"') {
      field.text += take();
      continue;
    }
    take();
    if (at_line_end() || peek() == ',') return std::nullopt;
    if (peek() != '"') {
      return csv_error{place_, "a closing quote is followed by something else than a comma or the end of the line"};
    }
    field.text += take();
  }
}

}  // namespace shop

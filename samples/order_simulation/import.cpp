#include "import.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <memory>
#include <optional>
#include <set>
#include <system_error>
#include <unordered_map>
#include <utility>

#include "money.hpp"

namespace shop {
namespace {

enum column : std::size_t {
  invoice_no,
  stock_code,
  description,
  quantity,
  invoice_date,
  unit_price,
  customer_id,
  country,
  column_count
};
constexpr std::array<std::string_view, column_count> column_names{"InvoiceNo",   "StockCode", "Description", "Quantity",
                                                                  "InvoiceDate", "UnitPrice", "CustomerID",  "Country"};

// Invoice numbers and stock codes become parts of persistence ids, command ids and keys of rows.
constexpr std::size_t longest_id_bytes = 200;

// Beyond any real list of invoices; a device that never ends must not fill the memory.
constexpr std::size_t largest_file_bytes = std::size_t{1} << 30;

// Cuts between characters, not inside of one.
std::string in_quotes(std::string_view text) {
  std::size_t end = std::min<std::size_t>(text.size(), 40);
  while (end < text.size() && end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return "\"" + std::string{text.substr(0, end)} + (end < text.size() ? "…\"" : "\"");
}

csv_error error_in(column which, const csv_field& field, const std::string& what) {
  return {field.place, std::string{column_names[which]} + ": " + what};
}

class row_parser {
 public:
  // Takes the header's record; fails if a column is missing or there twice.
  std::optional<csv_error> read_header(const csv_record& header) {
    width_ = header.fields.size();
    std::array<bool, column_count> found{};
    for (std::size_t at = 0; at < width_; ++at) {
      for (std::size_t which = 0; which < column_count; ++which) {
        if (header.fields[at].text != column_names[which]) continue;
        if (found[which]) {
          return csv_error{header.fields[at].place,
                           "the column " + std::string{column_names[which]} + " is there twice"};
        }
        found[which] = true;
        index_[which] = at;
      }
    }
    for (std::size_t which = 0; which < column_count; ++which) {
      if (!found[which]) {
        return csv_error{header.end, "the column " + std::string{column_names[which]} +
                                         " is missing; the first line has to name it"};
      }
    }
    return std::nullopt;
  }

  // Takes a row: fills in the line, and the invoice as this row has it.
  std::optional<csv_error> read_row(const csv_record& row, invoice& head, invoice_line& line) const {
    if (row.fields.size() != width_) {
      const auto place = row.fields.size() > width_ ? row.fields[width_].place : row.end;
      return csv_error{place, "the row has " + std::to_string(row.fields.size()) + " fields, the header has " +
                                  std::to_string(width_)};
    }
    if (auto problem = read_id(row, invoice_no, head.number)) return problem;
    if (auto problem = read_id(row, stock_code, line.stock_code)) return problem;
    if (auto problem = read_quantity(at(row, quantity), line)) return problem;
    if (auto problem = read_price(at(row, unit_price), line)) return problem;
    line.description = at(row, description).text;
    head.date = at(row, invoice_date).text;
    head.customer = customer_of(at(row, customer_id).text);
    head.country = at(row, country).text;
    return std::nullopt;
  }

 private:
  [[nodiscard]] const csv_field& at(const csv_record& row, column which) const { return row.fields[index_[which]]; }

  std::optional<csv_error> read_id(const csv_record& row, column which, std::string& id) const {
    const auto& field = at(row, which);
    if (field.text.empty()) return error_in(which, field, "it is empty");
    if (field.text.size() > longest_id_bytes) {
      return error_in(which, field,
                      in_quotes(field.text) + " is longer than " + std::to_string(longest_id_bytes) + " bytes");
    }
    if (field.text.find('\0') != std::string::npos) return error_in(which, field, "it has a NUL byte");
    id = field.text;
    return std::nullopt;
  }

  static std::optional<csv_error> read_quantity(const csv_field& field, invoice_line& line) {
    const auto* end = field.text.data() + field.text.size();
    const auto [stop, failed] = std::from_chars(field.text.data(), end, line.quantity);
    if (failed == std::errc{} && stop == end) return std::nullopt;
    return error_in(quantity, field,
                    in_quotes(field.text) + (failed == std::errc::result_out_of_range ? " is too large a number"
                                                                                      : " is not a whole number"));
  }

  static std::optional<csv_error> read_price(const csv_field& field, invoice_line& line) {
    const auto price = parse_cents(field.text);
    if (!price)
      return error_in(unit_price, field, in_quotes(field.text) + " is not a decimal number that we can count");
    line.unit_price_cents = price->cents;
    return std::nullopt;
  }

  // Spreadsheets and data frames make floating point numbers of customers: 17850.0 is customer 17850.
  static std::string customer_of(std::string_view text) {
    const auto dot = text.find('.');
    const bool is_float = dot != 0 && dot != std::string_view::npos && dot + 1 < text.size() &&
                          text.substr(0, dot).find_first_not_of("0123456789") == std::string_view::npos &&
                          text.substr(dot + 1).find_first_not_of('0') == std::string_view::npos;
    return std::string{is_float ? text.substr(0, dot) : text};
  }

  std::size_t width_ = 0;
  std::array<std::size_t, column_count> index_{};
};

}  // namespace

tyto::result<std::vector<invoice>, csv_error> parse_invoices(std::string_view text) {
  csv_reader reader{text};
  auto header = reader.next();
  if (!header) return header.error();
  if (!*header) return csv_error{{}, "the file is empty; its first line has to name the columns"};
  row_parser parser;
  if (auto problem = parser.read_header(**header)) return *std::move(problem);

  std::vector<invoice> invoices;
  std::unordered_map<std::string, std::size_t> places;
  for (;;) {
    const auto row = reader.next();
    if (!row) return row.error();
    if (!*row) return invoices;
    invoice head;
    invoice_line line;
    if (auto problem = parser.read_row(**row, head, line)) return *std::move(problem);
    const auto [place, is_new] = places.try_emplace(head.number, invoices.size());
    if (is_new) invoices.push_back(std::move(head));
    invoices[place->second].lines.push_back(std::move(line));
  }
}

tyto::result<std::vector<invoice>, import_error> import_invoices(const std::filesystem::path& file) {
  std::error_code failed;
  if (std::filesystem::is_directory(file, failed)) {
    return import_error{file.string() + ": this is a directory; give a CSV file"};
  }
  std::ifstream in{file, std::ios::binary};
  if (!in) return import_error{file.string() + ": cannot be opened: " + std::generic_category().message(errno)};
  return import_invoices(in, file.string());
}

tyto::result<std::vector<invoice>, import_error> import_invoices(std::istream& in, const std::string& name) {
  std::string text;
  errno = 0;
  // Not by iterators, which throw where read() sets badbit.
  for (std::array<char, 65'536> part{}; in.read(part.data(), part.size()), in.gcount() > 0;) {
    text.append(part.data(), static_cast<std::size_t>(in.gcount()));
    if (text.size() > largest_file_bytes) return import_error{name + ": larger than 1 GiB; split it"};
  }
  if (in.bad()) {
    return import_error{name + ": cannot be read: " + std::generic_category().message(errno != 0 ? errno : EIO)};
  }
  auto invoices = parse_invoices(text);
  if (!invoices) return import_error{name + ":" + invoices.error().message()};
  return *std::move(invoices);
}

invoice_source source_of(std::vector<invoice> invoices) {
  invoice_source source;
  source.count = invoices.size();
  std::set<std::string> codes;
  for (const auto& each : invoices) {
    for (const auto& line : each.lines) codes.insert(line.stock_code);
  }
  source.stock_codes.assign(codes.begin(), codes.end());
  auto all = std::make_shared<std::vector<invoice>>(std::move(invoices));
  source.take_next = [all, at = std::size_t{0}]() mutable -> std::optional<invoice> {
    if (at == all->size()) return std::nullopt;
    return std::move((*all)[at++]);
  };
  return source;
}

}  // namespace shop

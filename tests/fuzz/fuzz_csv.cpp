// Orders from a file that somebody hands to the simulation: CSV, amounts of money, invoices.
#include <string>

#include "csv.hpp"
#include "harness.hpp"
#include "money.hpp"

namespace tyto::fuzz {

std::vector<std::string> seeds() {
  return {"InvoiceNo,StockCode,Quantity\n536365,85123A,6\n536366,\"a, \"\"quoted\"\"\nfield\",-2\r\n",
          "\xef\xbb\xbf"
          "a;b\n\n1,2\n",
          "2.55", "-1,234.5", "12.345"};
}

void run(std::string_view input) {
  shop::csv_reader reader{input};
  std::size_t bytes = 0;
  std::size_t last_line = 0;
  for (;;) {
    const auto record = reader.next();
    if (!record) {
      require(record.error().place.line >= last_line, "errors come in the order of the lines");
      require(!record.error().message().empty(), "an error says something");
      break;
    }
    if (!*record) break;
    require(!(*record)->fields.empty(), "a record has fields");
    for (const auto& field : (*record)->fields) {
      bytes += field.text.size();
      require(field.place.line >= last_line && field.place.column >= 1, "places go on");
      last_line = field.place.line;
    }
  }
  require(bytes <= input.size(), "fields are parts of the text");
  if (const auto money = shop::parse_cents(input); money && money->cents) {
    auto text = shop::format_cents(*money->cents);
    std::erase(text, ',');
    const auto again = shop::parse_cents(text);
    require(again && again->cents == money->cents, "an amount that is shown is the one that was read");
  }
}

}  // namespace tyto::fuzz

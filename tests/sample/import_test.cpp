#include "import.hpp"

#include <ios>
#include <istream>
#include <streambuf>
#include <string>
#include <utility>
#include <vector>

#include "support/catch.hpp"

namespace {

const std::string header = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";

std::vector<shop::invoice> import_text(const std::string& text) {
  auto invoices = shop::parse_invoices(text);
  if (!invoices) FAIL(invoices.error().message());
  return *std::move(invoices);
}

std::string error_of(const std::string& text) {
  const auto invoices = shop::parse_invoices(text);
  return invoices ? "none" : invoices.error().message();
}

}  // namespace

TEST_CASE("A row becomes a line of its invoice") {
  const auto all =
      import_text(header + "536365,85123A,\"HEART, WHITE\",6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom\n");
  REQUIRE(all.size() == 1);
  CHECK(all[0].number == "536365");
  CHECK(all[0].customer == "17850");
  CHECK(all[0].country == "United Kingdom");
  CHECK(all[0].date == "2010-12-01 08:26:00");
  CHECK_FALSE(all[0].is_return());
  REQUIRE(all[0].lines.size() == 1);
  CHECK(all[0].lines[0].stock_code == "85123A");
  CHECK(all[0].lines[0].description == "HEART, WHITE");
  CHECK(all[0].lines[0].quantity == 6);
  CHECK(all[0].lines[0].unit_price_cents == 255);
}

TEST_CASE("The lines of one invoice are gathered wherever they stand") {
  const auto all = import_text(header + "1,A,,1,d,1.0,1,x\n2,B,,1,d,1.0,1,x\n1,C,,1,d,1.0,1,x\n");
  REQUIRE(all.size() == 2);
  CHECK(all[0].lines.size() == 2);
  CHECK(all[0].lines[1].stock_code == "C");
  CHECK(all[1].lines.size() == 1);
}

TEST_CASE("Columns are found by name, in any order, among others") {
  const auto all = import_text(
      "Country,Note,UnitPrice,InvoiceNo,Quantity,CustomerID,StockCode,InvoiceDate,Description\n"
      "x,hello,2.5,C9,-3,,A,d,thing\n");
  REQUIRE(all.size() == 1);
  CHECK(all[0].number == "C9");
  CHECK(all[0].is_return());
  CHECK(all[0].customer.empty());
  CHECK(all[0].lines[0].quantity == -3);
  CHECK(all[0].lines[0].unit_price_cents == 250);
}

TEST_CASE("Customers lose the fraction that a data frame gave them, and nothing else") {
  const auto customer = [](const std::string& text) {
    return import_text(header + "1,A,,1,d,1.0," + text + ",x\n")[0].customer;
  };
  CHECK(customer("17850.0") == "17850");
  CHECK(customer("17850") == "17850");
  CHECK(customer("17850.5") == "17850.5");
  CHECK(customer("alice.0") == "alice.0");
  CHECK(customer(".0") == ".0");
  CHECK(customer("17850.") == "17850.");
}

TEST_CASE("Prices and quantities that make no sense are read, for the domain to reject") {
  const auto all = import_text(header + "1,A,,0,d,0.001,1,x\n1,A,,-5,d,-11062.06,1,x\n");
  CHECK(all[0].lines[0].quantity == 0);
  CHECK_FALSE(all[0].lines[0].unit_price_cents);
  CHECK(all[0].lines[1].unit_price_cents == -1'106'206);
}

TEST_CASE("A header without invoices is a file without invoices") { CHECK(import_text(header).empty()); }

TEST_CASE("A header that cannot be used is an error") {
  CHECK(error_of("") == "1:1: the file is empty; its first line has to name the columns");
  CHECK(error_of("InvoiceNo,StockCode\n1,A\n") ==
        "1:20: the column Description is missing; the first line has to name it");
  CHECK(error_of("InvoiceNo,StockCode,InvoiceNo\n") == "1:21: the column InvoiceNo is there twice");
}

TEST_CASE("A number that cannot be read is an error with line and column") {
  CHECK(error_of(header + "1,A,,six,d,1.0,1,x\n") == "2:6: Quantity: \"six\" is not a whole number");
  CHECK(error_of(header + "1,A,,,d,1.0,1,x\n") == "2:6: Quantity: \"\" is not a whole number");
  CHECK(error_of(header + "1,A,,1.5,d,1.0,1,x\n") == "2:6: Quantity: \"1.5\" is not a whole number");
  CHECK(error_of(header + "1,A,,99999999999999999999,d,1.0,1,x\n") ==
        "2:6: Quantity: \"99999999999999999999\" is too large a number");
  CHECK(error_of(header + "1,A,,1,d,1.0,1,x\n1,A,\"b\nb\",1,d,cheap,1,x\n") ==
        "4:8: UnitPrice: \"cheap\" is not a decimal number that we can count");
}

TEST_CASE("A row with more or fewer fields than the header is an error") {
  CHECK(error_of(header + "1,A,,1,d,1.0,1\n") == "2:15: the row has 7 fields, the header has 8");
  CHECK(error_of(header + "1,A,,1,d,1.0,1,x,y\n") == "2:18: the row has 9 fields, the header has 8");
}

TEST_CASE("An invoice number or stock code that names nothing is an error") {
  CHECK(error_of(header + ",A,,1,d,1.0,1,x\n") == "2:1: InvoiceNo: it is empty");
  CHECK(error_of(header + "1,,,1,d,1.0,1,x\n") == "2:3: StockCode: it is empty");
  CHECK(error_of(header + std::string(201, 'n') + ",A,,1,d,1.0,1,x\n") ==
        "2:1: InvoiceNo: \"" + std::string(40, 'n') + "…\" is longer than 200 bytes");
  CHECK(error_of(header + "1," + std::string(1, '\0') + ",,1,d,1.0,1,x\n") == "2:3: StockCode: it has a NUL byte");
}

TEST_CASE("A file that cannot be read is an error that names it") {
  const auto missing = shop::import_invoices("no/such/file.csv");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().message() == "no/such/file.csv: cannot be opened: No such file or directory");
}

TEST_CASE("A source gives out its invoices one by one and knows their stock codes") {
  auto source = shop::source_of(import_text(header + "1,B,,1,d,1.0,1,x\n2,A,,1,d,1.0,1,x\n2,B,,1,d,1.0,1,x\n"));
  CHECK(source.count == 2);
  CHECK(source.stock_codes == std::vector<std::string>{"A", "B"});
  CHECK(source.take_next()->number == "1");
  CHECK(source.take_next()->number == "2");
  CHECK_FALSE(source.take_next());
}

namespace {

// Fails after its text, like a disk.
class failing_buffer : public std::streambuf {
 public:
  explicit failing_buffer(std::string text) : text_(std::move(text)) {
    setg(text_.data(), text_.data(), text_.data() + text_.size());
  }

 protected:
  int_type underflow() override { throw std::ios_base::failure("the disk is broken"); }

 private:
  std::string text_;
};

}  // namespace

TEST_CASE("A file that cannot be read to its end is refused, whatever it began with") {
  failing_buffer broken{header + "1,A,,1,d,1.0,1,x\n"};
  std::istream in{&broken};
  const auto invoices = shop::import_invoices(in, "orders.csv");
  REQUIRE_FALSE(invoices);
  CHECK(invoices.error().message() == "orders.csv: cannot be read: Input/output error");
}

TEST_CASE("A value that is quoted in an error is cut between characters") {
  const auto said = error_of(header + "1,A,,x" + std::string(38, 'y') + "€€,d,1.0,1,x\n");
  CHECK(said == "2:6: Quantity: \"x" + std::string(38, 'y') + "…\" is not a whole number");
}

#include "tyto/document.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "support/catch.hpp"

using tyto::document;
using tyto::errc;

namespace {

document open(std::string_view bytes) { return document::open(bytes).value(); }

// {"sum": 7, "lines": [[1, 2]], "odd": uint 64 of 1}: the last one is longer than it needs to be.
const std::string stored{
    "\x83"
    "\xa3"
    "sum\x07"
    "\xa5"
    "lines\x91\x92\x01\x02"
    "\xa3"
    "odd\xcf\x00\x00\x00\x00\x00\x00\x00\x01",
    29};

}  // namespace

TEST_CASE("A document that was not changed has the bytes that it was opened with") {
  CHECK(open(stored).bytes() == stored);
  CHECK(document{}.bytes() == "\x80");
}

TEST_CASE("A change of one field leaves the bytes and the places of the others") {
  auto fields = open(stored);
  CHECK(fields.rename("sum", "total"));
  CHECK(fields.erase("lines"));
  fields.set("currency", std::string{"EUR"});
  const std::string expected{
      "\x83"
      "\xa5"
      "total\x07"
      "\xa3"
      "odd\xcf\x00\x00\x00\x00\x00\x00\x00\x01"
      "\xa8"
      "currency\xa3"
      "EUR",
      34};
  CHECK(fields.bytes() == expected);
}

TEST_CASE("A field that is set again keeps its place") {
  auto fields = open(stored);
  fields.set("sum", 8);
  CHECK(tyto::to_json(fields.bytes()) == R"({"sum":8,"lines":[[1,2]],"odd":1})");
}

TEST_CASE("Fields are read as the type that is asked for") {
  const auto fields = open(stored);
  CHECK(fields.has("sum"));
  CHECK(fields.get<int>("sum").value() == 7);
  CHECK(fields.get<std::vector<std::vector<int>>>("lines").value() == std::vector<std::vector<int>>{{1, 2}});
}

TEST_CASE("A field that is missing or of another type is named") {
  const auto fields = open(stored);
  CHECK_FALSE(fields.has("total"));
  const auto missing = fields.get<int>("total");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code() == errc::undecodable);
  CHECK(missing.error().message() == "reading the field 'total' of a document: the field is missing");
  const auto mistaken = fields.get<std::string>("sum");
  REQUIRE_FALSE(mistaken);
  CHECK(mistaken.error().message() == "reading the field 'sum' of a document: expected a string, found a number");
}

TEST_CASE("Renaming or erasing a field that is not there changes nothing") {
  auto fields = open(stored);
  CHECK_FALSE(fields.rename("total", "sum"));
  CHECK_FALSE(fields.erase("total"));
  CHECK(fields.bytes() == stored);
}

TEST_CASE("A field is not renamed over another one") {
  auto fields = open(stored);
  CHECK_THROWS_AS(fields.rename("sum", "odd"), std::invalid_argument);
  CHECK(fields.rename("sum", "sum"));
  CHECK(fields.bytes() == stored);
}

TEST_CASE("Structs within are edited as documents of their own") {
  auto fields = open(tyto::to_bytes(std::map<std::string, std::vector<std::map<std::string, int>>>{
      {"lines", {{{"count", 1}, {"price", 2}}, {{"count", 3}, {"price", 4}}}}}));
  auto lines = fields.get<std::vector<document>>("lines").value();
  for (auto& line : lines) line.rename("count", "quantity");
  fields.set("lines", lines);
  CHECK(tyto::to_json(fields.bytes()) == R"({"lines":[{"quantity":1,"price":2},{"quantity":3,"price":4}]})");
}

TEST_CASE("Only maps keyed by strings are documents") {
  const auto bytes = GENERATE(as<std::string>{}, "\x07", "\x81\x01\x02", "\x81", "", std::string(1, '\x80') + "\x01");
  const auto opened = document::open(bytes);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code() == errc::undecodable);
}

#include "csv.hpp"

#include <string>
#include <string_view>
#include <vector>

#include "support/catch.hpp"

namespace {

using rows = std::vector<std::vector<std::string>>;

rows read_all(std::string_view text) {
  shop::csv_reader reader{text};
  rows all;
  for (;;) {
    const auto record = reader.next();
    if (!record) FAIL(record.error().message());
    if (!*record) return all;
    all.emplace_back();
    for (const auto& field : (*record)->fields) all.back().push_back(field.text);
  }
}

std::string first_error(std::string_view text) {
  shop::csv_reader reader{text};
  for (;;) {
    const auto record = reader.next();
    if (!record) return record.error().message();
    if (!*record) return "none";
  }
}

}  // namespace

TEST_CASE("Fields are separated by commas and records by line ends") {
  CHECK(read_all("a,b\n1,2\n") == rows{{"a", "b"}, {"1", "2"}});
  CHECK(read_all("a,b\r\n1,2\r\n") == rows{{"a", "b"}, {"1", "2"}});
  CHECK(read_all(",\n") == rows{{"", ""}});
}

TEST_CASE("The last line may lack its end") {
  CHECK(read_all("a\nb") == rows{{"a"}, {"b"}});
  CHECK(read_all("a,") == rows{{"a", ""}});
  CHECK(read_all("\"a\"") == rows{{"a"}});
}

TEST_CASE("Quoted fields hold commas, quotes and line ends") {
  CHECK(read_all("\"a,b\",\"say \"\"hi\"\"\",\"two\r\nlines\n\"\n") == rows{{"a,b", "say \"hi\"", "two\r\nlines\n"}});
  CHECK(read_all("\"\",\"\"\"\"") == rows{{"", "\""}});
}

TEST_CASE("A byte order mark and empty lines are skipped") {
  CHECK(read_all("\xEF\xBB\xBF"
                 "a,b\n\n\r\n1,2\n\n") == rows{{"a", "b"}, {"1", "2"}});
  CHECK(read_all("\xEF\xBB\xBF") == rows{});
  CHECK(read_all("") == rows{});
}

TEST_CASE("Spaces and bytes of any other kind belong to the field") {
  CHECK(read_all(" a , b\t\n") == rows{{" a ", " b\t"}});
  CHECK(read_all(std::string_view{"\xFF,\0x", 4}) == rows{{"\xFF", std::string{"\0x", 2}}});
}

TEST_CASE("A broken quote is reported with its line and column") {
  CHECK(first_error("a,b\n1,\"2\n3,4\n") == "2:3: the quote that opens here is never closed");
  CHECK(first_error("a\nb\n\"x\"y\n") ==
        "3:4: a closing quote is followed by something else than a comma or the end of the line");
  CHECK(first_error("ab\"c\n") == "1:3: a quote inside of a field; put the whole field in quotes and double this one");
}

TEST_CASE("A carriage return alone ends no line") {
  CHECK(first_error("a\rb\n") == "1:2: a carriage return without a line feed");
  CHECK(first_error("\rb\n") == "1:1: a carriage return without a line feed");
}

TEST_CASE("Columns count characters, and lines count those inside of fields too") {
  shop::csv_reader reader{"\xEF\xBB\xBF\"K\xC3\xA4se\nbrot\",x\n\xE2\x82\xAC,y\n"};
  const auto first = reader.next();
  REQUIRE(first);
  REQUIRE(*first);
  CHECK((*first)->fields[0].place.line == 1);
  CHECK((*first)->fields[0].place.column == 1);
  CHECK((*first)->fields[1].place.line == 2);
  CHECK((*first)->fields[1].place.column == 7);
  const auto second = reader.next();
  REQUIRE(second);
  REQUIRE(*second);
  CHECK((*second)->fields[1].place.line == 3);
  CHECK((*second)->fields[1].place.column == 3);
}

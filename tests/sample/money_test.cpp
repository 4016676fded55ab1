#include "money.hpp"

#include <cstdint>
#include <limits>
#include <string>

#include "support/catch.hpp"

namespace {

constexpr auto lowest = std::numeric_limits<std::int64_t>::min();
constexpr auto highest = std::numeric_limits<std::int64_t>::max();

std::int64_t cents_of(const std::string& text) {
  const auto read = shop::parse_cents(text);
  REQUIRE(read);
  REQUIRE(read->cents);
  return *read->cents;
}

}  // namespace

TEST_CASE("Decimal numbers are read as exact cents") {
  CHECK(cents_of("2.55") == 255);
  CHECK(cents_of("2.5") == 250);
  CHECK(cents_of("2.500") == 250);
  CHECK(cents_of("2") == 200);
  CHECK(cents_of("0.01") == 1);
  CHECK(cents_of("0.0") == 0);
  CHECK(cents_of("007.10") == 710);
  CHECK(cents_of("-11062.06") == -1'106'206);
  CHECK(cents_of("-0") == 0);
}

TEST_CASE("Decimal numbers that are not whole cents are known as such") {
  for (const auto* text : {"0.001", "2.555", "-0.005", "92233720368547758.001"}) {
    CAPTURE(text);
    const auto read = shop::parse_cents(text);
    REQUIRE(read);
    CHECK_FALSE(read->cents);
  }
}

TEST_CASE("What is no decimal number is not read as one") {
  for (const auto* text :
       {"", "-", ".", "1.", ".5", "+1", " 1", "1 ", "1,00", "1e3", "0x1", "nan", "--1", "1.2.3", "1.2a"}) {
    CAPTURE(text);
    CHECK_FALSE(shop::parse_cents(text));
  }
}

TEST_CASE("Numbers are read up to the limits of 64 bits of cents, and not beyond") {
  CHECK(cents_of("92233720368547758.07") == highest);
  CHECK(cents_of("-92233720368547758.08") == lowest);
  CHECK_FALSE(shop::parse_cents("92233720368547758.08"));
  CHECK_FALSE(shop::parse_cents("-92233720368547758.09"));
  CHECK_FALSE(shop::parse_cents("922337203685477580"));
  CHECK_FALSE(shop::parse_cents("1000000000000000000000"));
}

TEST_CASE("Money and counts are grouped by thousands") {
  CHECK(shop::format_cents(0) == "0.00");
  CHECK(shop::format_cents(7) == "0.07");
  CHECK(shop::format_cents(-7) == "-0.07");
  CHECK(shop::format_cents(99'999) == "999.99");
  CHECK(shop::format_cents(123'456) == "1,234.56");
  CHECK(shop::format_cents(-123'456'789'00) == "-123,456,789.00");
  CHECK(shop::format_cents(lowest) == "-92,233,720,368,547,758.08");
  CHECK(shop::format_count(1'000) == "1,000");
}

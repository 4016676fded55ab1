#include "tyto/detail/comparison.hpp"

#include <cmath>
#include <limits>
#include <optional>
#include <unordered_set>

#include "support/catch.hpp"
#include "tyto/event.hpp"

using tyto::detail::difference_of_events;
using tyto::detail::difference_of_values;

namespace {

struct weighed {
  std::string article;
  double grams = 0;
};
struct stacked {
  std::vector<std::int64_t> heights;
  std::vector<std::byte> image;
  std::map<std::int64_t, std::string> names;
};
TYTO_EVENT(weighed, "test.weighed", article, grams)
TYTO_EVENT(stacked, "test.stacked", heights, image, names)

using either = std::variant<weighed, stacked>;

std::string difference_of(const either& expected, const either& came) {
  return difference_of_events<either>({expected}, {came});
}

// A state with a part that is no part of its image.
struct cached {
  std::int64_t sum = 0;
  std::int64_t newest = 0;
  friend bool operator==(const cached&, const cached&) = default;
};
template <class Inspector>
bool inspect(Inspector& f, cached& x) {
  return f.object(x).fields(f.field("sum", x.sum));
}
struct uncompared {
  std::int64_t sum = 0;
  std::int64_t newest = 0;
};
template <class Inspector>
bool inspect(Inspector& f, uncompared& x) {
  return f.object(x).fields(f.field("sum", x.sum));
}
struct held {
  std::vector<cached> all;
};
TYTO_VALUE(held, all)

const double no_number = std::numeric_limits<double>::quiet_NaN();
const double inf = std::numeric_limits<double>::infinity();

}  // namespace

TEST_CASE("Numbers that JSON does not know, and zeros of either sign, look different") {
  CHECK(difference_of(weighed{"tea", inf}, weighed{"tea", -inf}) == R"(expected:
! test.weighed {"article":"tea","grams":inf}
!     grams: inf
actual:
! test.weighed {"article":"tea","grams":-inf}
!     grams: -inf)");
  CHECK(difference_of(weighed{"tea", no_number}, weighed{"tea", -0.0}) == R"(expected:
! test.weighed {"article":"tea","grams":nan}
!     grams: nan
actual:
! test.weighed {"article":"tea","grams":-0.0}
!     grams: -0.0)");
  CHECK(difference_of(weighed{"tea", 0.0}, weighed{"tea", -0.0}).find("!     grams: 0.0\n") != std::string::npos);
  CHECK(difference_of_values("answer", inf, no_number) == "expected:\n! answer inf\nactual:\n! answer nan");
}

TEST_CASE("Every NaN is the same one") {
  CHECK(difference_of(weighed{"tea", no_number}, weighed{"tea", -no_number}).empty());
  CHECK(difference_of_values("answer", no_number, std::nan("7")).empty());
}

TEST_CASE("Bytes that are no text look different, as do a byte and its escape") {
  CHECK(difference_of(weighed{"\xff", 1}, weighed{"\xfe", 1}) == R"(expected:
! test.weighed {"article":"\xff","grams":1.0}
!     article: "\xff"
actual:
! test.weighed {"article":"\xfe","grams":1.0}
!     article: "\xfe")");
  CHECK(difference_of_values<std::string>("answer", "\xff", "\\xff") ==
        "expected:\n! answer \"\\xff\"\nactual:\n! answer \"\\\\xff\"");
  CHECK(difference_of_values<std::string>("answer", "a\n\"", "\xe2\x80\xae") ==
        "expected:\n! answer \"a\\n\\\"\"\nactual:\n! answer \"\\u202e\"");
}

TEST_CASE("Bytes, and maps whose keys are no names, are shown as they are") {
  CHECK(difference_of(stacked{{1}, {std::byte{1}, std::byte{0xab}}, {{1, "a"}}}, stacked{{1}, {}, {{1, "b"}}}) ==
        R"(expected:
! test.stacked {"heights":[1],"image":0x01ab,"names":[[1,"a"]]}
!     image: 0x01ab
!     names[0][1]: "a"
actual:
! test.stacked {"heights":[1],"image":0x,"names":[[1,"b"]]}
!     image: 0x
!     names[0][1]: "b")");
}

TEST_CASE("A long text is shown where it differs") {
  std::string one(100'000, 'x');
  auto other = one;
  other[70'000] = 'y';
  for (const auto& text :
       {difference_of(weighed{one, 1}, weighed{other, 1}), difference_of_values("answer", one, other)}) {
    CHECK(text.size() < 7'000);
    CHECK(text.find("xyx") != std::string::npos);
    CHECK(text.find("(100002 bytes)") != std::string::npos);
  }
  const auto umlauts = [](std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += "ä";
    return text;
  };
  const auto text = difference_of_values("answer", umlauts(3'000), umlauts(3'001));
  CHECK(tyto::printable(text).find("\\x") == std::string::npos);  // no character is cut in two
}

TEST_CASE("Of many fields that differ the first are shown, and the others counted") {
  stacked one;
  stacked other;
  for (std::int64_t i = 0; i < 1'000; ++i) one.heights.push_back(i), other.heights.push_back(-i);
  const auto text = difference_of(one, other);
  CHECK(text.size() < 7'000);
  CHECK(text.find("!     heights[20]: 20\n!     ... and 979 more\n") != std::string::npos);
}

TEST_CASE("Of many items the first that differ are shown, and some beside them") {
  std::vector<either> expected;
  for (int i = 0; i < 1'000; ++i) expected.emplace_back(weighed{std::to_string(i), 1});
  auto came = expected;
  for (std::size_t i = 400; i < 600; ++i) std::get<weighed>(came[i]).grams = 2;
  const auto text = difference_of_events(expected, came);
  CHECK(text.size() < 6'000);
  CHECK(text.starts_with("expected:\n  ... 395 more that are the same\n  test.weighed {\"article\":\"395\""));
  CHECK(text.find("! ... 180 more\n  test.weighed {\"article\":\"600\"") != std::string::npos);
  CHECK(text.ends_with("\"604\",\"grams\":1.0}\n  ... 395 more that are the same"));
}

TEST_CASE("A struct with a == is compared by it, wherever it is") {
  CHECK(difference_of_values("state", cached{1, 2}, cached{1, 2}).empty());
  CHECK(difference_of_values("state", cached{1, 2}, cached{1, 3}) == R"(expected:
! state {"sum":1}
!     what is stored of both is the same
actual:
! state {"sum":1}
!     what is stored of both is the same)");
  CHECK(difference_of_values("state", held{{{1, 2}}}, held{{{1, 2}}}).empty());
  CHECK_FALSE(difference_of_values("state", held{{{1, 2}}}, held{{{1, 3}}}).empty());
}

TEST_CASE("What listed fields do not tell of a value without a == is a failure that says so") {
  CHECK(difference_of_values("state", uncompared{1, 2}, uncompared{1, 2})
            .ends_with("a field of `uncompared` is not listed in its inspect(), which lists sum"));
}

#include "tyto/codec.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "tyto/event.hpp"

namespace {

enum class colour : std::uint8_t { red = 1, blue = 200 };

struct line {
  std::string stock_code;
  std::int32_t quantity = 0;
  friend bool operator==(const line&, const line&) = default;
};
TYTO_VALUE(line, stock_code, quantity)

struct purchase {
  std::string customer;
  std::vector<line> lines;
  std::optional<std::string> note;
  friend bool operator==(const purchase&, const purchase&) = default;
};
TYTO_VALUE(purchase, customer, lines, note)

// What purchase may have looked like in an older or a newer version of its program.
struct reordered_purchase {
  std::optional<std::string> note;
  std::vector<line> lines;
  std::int64_t added = 0;
  std::string customer;
};
TYTO_VALUE(reordered_purchase, note, lines, added, customer)

struct customer_only {
  std::string customer;
};
TYTO_VALUE(customer_only, customer)

struct note_only {
  std::optional<std::string> note;
};
TYTO_VALUE(note_only, note)

struct nothing_inside {};
TYTO_VALUE(nothing_inside)

struct discount {
  std::int32_t percent = 0;
  std::string reason;
};
template <class Inspector>
bool inspect(Inspector& f, discount& x) {
  return f.object(x).fields(f.field("percent", x.percent).invariant([](int percent) { return percent <= 100; }),
                            f.field("reason", x.reason).fallback("none given").invariant([](const std::string& reason) {
                              return !reason.empty();
                            }));
}

// The same fields without their rules, as someone else may have written them.
struct unruly_discount {
  std::int32_t percent = 0;
  std::string reason;
};
TYTO_VALUE(unruly_discount, percent, reason)

struct tree {
  std::vector<tree> children;
};
TYTO_VALUE(tree, children)

struct everything {
  bool flag = false;
  std::int64_t number = 0;
  double ratio = 0;
  std::vector<std::byte> bytes;
  std::map<std::string, std::vector<std::uint16_t>> by_name;
  std::tuple<std::string, std::int8_t> pair;
  std::vector<purchase> purchases;
};
TYTO_VALUE(everything, flag, number, ratio, bytes, by_name, pair, purchases)

template <class T>
T round_trip(const T& value) {
  return tyto::from_bytes<T>(tyto::to_bytes(value)).value();
}

template <class T>
std::string problem(std::string_view bytes) {
  const auto decoded = tyto::from_bytes<T>(bytes);
  REQUIRE_FALSE(decoded);
  CHECK(decoded.error().code() == tyto::errc::undecodable);
  return decoded.error().detail();
}

everything sample() {
  return {true,
          -42,
          0.25,
          {std::byte{0}, std::byte{255}},
          {{"a", {1, 2}}, {"b", {}}},
          {"x", -1},
          {{"alice", {{"owl", 2}, {"barn", -3}}, "today"}, {"bob", {}, std::nullopt}}};
}

}  // namespace

TEMPLATE_TEST_CASE("Every integer comes back as it was, to the limits of its type", "", signed char, std::int16_t,
                   std::int32_t, std::int64_t, std::uint8_t, std::uint16_t, std::uint32_t, std::uint64_t) {
  using limits = std::numeric_limits<TestType>;
  for (const TestType value : {limits::min(), TestType{0}, TestType{1}, TestType{127}, limits::max()}) {
    CHECK(round_trip(value) == value);
  }
}

TEST_CASE("Every kind of value comes back as it was") {
  using namespace std::chrono_literals;
  CHECK(round_trip(true));
  CHECK_FALSE(round_trip(false));
  CHECK(round_trip(colour::blue) == colour::blue);
  CHECK(round_trip(0.1) == 0.1);
  CHECK(round_trip(0.1F) == 0.1F);
  CHECK(round_trip(std::string{"with a \0 inside", 15}) == std::string{"with a \0 inside", 15});
  CHECK(round_trip(std::string(70'000, 'x')) == std::string(70'000, 'x'));
  CHECK(round_trip(std::vector{std::byte{0}, std::byte{200}}) == std::vector{std::byte{0}, std::byte{200}});
  CHECK(round_trip(std::optional<int>{}) == std::nullopt);
  CHECK(round_trip(std::optional<int>{7}) == 7);
  CHECK(round_trip(-90s) == -90s);
  CHECK(round_trip(std::chrono::sys_days{2024y / 2 / 29}) == std::chrono::sys_days{2024y / 2 / 29});
  CHECK(round_trip(std::vector{true, false}) == std::vector{true, false});
  CHECK(round_trip(std::deque<std::string>{"b", "a"}) == std::deque<std::string>{"b", "a"});
  CHECK(round_trip(std::set{3, 1, 2}) == std::set{1, 2, 3});
  CHECK(round_trip(std::map<int, std::string>{{2, "b"}, {-1, "a"}}) == std::map<int, std::string>{{2, "b"}, {-1, "a"}});
  CHECK(round_trip(std::unordered_map<std::string, int>{{"a", 1}}) == std::unordered_map<std::string, int>{{"a", 1}});
  CHECK(round_trip(std::pair{1, std::string{"x"}}) == std::pair{1, std::string{"x"}});
  CHECK(round_trip(std::tuple{true, 2.5, colour::red}) == std::tuple{true, 2.5, colour::red});
  CHECK(round_trip(std::array{1, 2, 3}) == std::array{1, 2, 3});
  CHECK(round_trip(std::vector<int>(70'000, 5)) == std::vector<int>(70'000, 5));
}

TEST_CASE("A struct comes back as it was") {
  const purchase original{"alice", {{"owl", 2}, {"barn", -3}}, "today"};
  CHECK(round_trip(original) == original);
}

TEST_CASE("A struct is a map keyed by its fields' names") {
  CHECK(tyto::to_json(tyto::to_bytes(purchase{"alice", {{"owl", 2}}, std::nullopt})) ==
        R"({"customer":"alice","lines":[{"stock_code":"owl","quantity":2}],"note":null})");
  CHECK(tyto::to_json(tyto::to_bytes(nothing_inside{})) == "{}");
}

TEST_CASE("A struct without fields reads any map") {
  CHECK(tyto::from_bytes<nothing_inside>(tyto::to_bytes(line{"owl", 1})));
  CHECK_FALSE(tyto::from_bytes<nothing_inside>(tyto::to_bytes(1)));
}

TEST_CASE("Fields may change places and new ones may be dropped again") {
  const reordered_purchase written{"today", {{"owl", 2}}, 7, "alice"};
  CHECK(tyto::from_bytes<purchase>(tyto::to_bytes(written)).value() == purchase{"alice", {{"owl", 2}}, "today"});
}

TEST_CASE("Fields that the reader does not know are skipped") {
  const auto bytes = tyto::to_bytes(std::vector{purchase{"alice", {{"owl", 2}}, "a"}, purchase{"bob", {}, "b"}});
  const auto first_field = tyto::from_bytes<std::vector<customer_only>>(bytes).value();
  CHECK(first_field.at(0).customer == "alice");
  CHECK(first_field.at(1).customer == "bob");
  const auto last_field = tyto::from_bytes<std::vector<note_only>>(bytes).value();
  CHECK(last_field.at(0).note == "a");
  CHECK(last_field.at(1).note == "b");
}

TEST_CASE("A missing field without a fallback is an error that names it") {
  CHECK(problem<purchase>(tyto::to_bytes(customer_only{"alice"})) == "lines: the field is missing");
}

TEST_CASE("A missing field with a fallback takes it") {
  const auto read = tyto::from_bytes<discount>(tyto::to_bytes(std::map<std::string, int>{{"percent", 10}})).value();
  CHECK(read.percent == 10);
  CHECK(read.reason == "none given");
}

TEST_CASE("A field that is there does not take its fallback") {
  CHECK(round_trip(discount{10, "regular customer"}).reason == "regular customer");
}

TEST_CASE("A value that breaks its field's invariant is an error that names the field") {
  CHECK(problem<discount>(tyto::to_bytes(unruly_discount{101, "too good"})) ==
        "percent: the value breaks the field's invariant");
  CHECK(problem<std::vector<discount>>(tyto::to_bytes(std::vector{unruly_discount{1, ""}})) ==
        "[0].reason: the value breaks the field's invariant");
}

TEST_CASE("An integer that does not fit is an error and not another number") {
  CHECK(problem<std::uint8_t>(tyto::to_bytes(256)) == "the number 256 does not fit its type");
  CHECK(problem<std::int8_t>(tyto::to_bytes(-129)) == "the number -129 does not fit its type");
  CHECK(problem<std::uint64_t>(tyto::to_bytes(-1)) == "expected a number of at least 0, found a number");
  CHECK(problem<std::int64_t>(tyto::to_bytes(std::numeric_limits<std::uint64_t>::max())) ==
        "the number does not fit 64 bits with a sign");
  CHECK(problem<colour>(tyto::to_bytes(1000)) == "the number 1000 does not fit its type");
}

TEST_CASE("An integer written by a narrower or a wider type is read if it fits") {
  CHECK(tyto::from_bytes<std::int64_t>(tyto::to_bytes(std::int8_t{-5})).value() == -5);
  CHECK(tyto::from_bytes<std::uint8_t>(tyto::to_bytes(std::int64_t{5})).value() == 5);
  CHECK(tyto::from_bytes<double>(tyto::to_bytes(-5)).value() == -5.0);
}

TEST_CASE("A value of the wrong kind is an error with the path to it") {
  const std::map<std::string, std::string> text_line{{"stock_code", "owl"}, {"quantity", "two"}};
  std::string bytes;
  tyto::encoder out{bytes};
  out.put_map(2);
  out.put_string("customer");
  out.put_string("alice");
  out.put_string("lines");
  out.put_array(2);
  tyto::encode(out, line{"owl", 1});
  tyto::encode(out, text_line);
  CHECK(problem<purchase>(bytes) == "lines[1].quantity: expected a number, found a string");
}

TEST_CASE("Every wrong kind is named") {
  CHECK(problem<bool>(tyto::to_bytes(1)) == "expected a bool, found a number");
  CHECK(problem<std::string>(tyto::to_bytes(true)) == "expected a string, found a bool");
  CHECK(problem<std::vector<int>>(tyto::to_bytes(std::string{})) == "expected an array, found a string");
  CHECK(problem<std::set<int>>(tyto::to_bytes(0.5)) == "expected an array, found a floating point number");
  CHECK(problem<line>(tyto::to_bytes(std::vector<int>{})) == "expected a map, found an array");
  CHECK(problem<std::vector<std::byte>>(tyto::to_bytes(line{})) == "expected bytes, found a map");
  CHECK(problem<double>(tyto::to_bytes(std::vector<std::byte>{})) == "expected a number, found bytes");
  CHECK(problem<int>(tyto::to_bytes(std::optional<int>{})) == "expected a number, found nil");
}

TEST_CASE("An element that does not fit is found by its place") {
  CHECK(problem<std::vector<int>>(tyto::to_bytes(std::tuple{1, 2, true})) == "[2]: expected a number, found a bool");
  CHECK(problem<std::pair<int, int>>(tyto::to_bytes(std::tuple{1, true})) == "[1]: expected a number, found a bool");
  CHECK(problem<std::pair<int, int>>(tyto::to_bytes(std::tuple{1, 2, 3})) == "expected 2 elements");
}

TEST_CASE("A struct whose field names are no strings is an error, fallbacks or not") {
  CHECK(problem<discount>(tyto::to_bytes(std::map<int, int>{{1, 2}})) == "expected a string, found a number");
}

TEST_CASE("Bytes that are cut short anywhere are an error") {
  const auto bytes = tyto::to_bytes(sample());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CHECK(problem<everything>(bytes.substr(0, size)) == "not a well-formed MessagePack value");
  }
}

TEST_CASE("Bytes behind the value are an error") {
  CHECK(problem<int>(tyto::to_bytes(1) + '\0') == "not a well-formed MessagePack value");
}

TEST_CASE("The one byte that MessagePack reserves is an error") {
  CHECK(problem<int>("\xc1") == "not a well-formed MessagePack value");
  CHECK(problem<std::vector<int>>("\x91\xc1") == "not a well-formed MessagePack value");
}

TEST_CASE("A size that the bytes cannot hold is an error, up to the largest") {
  using namespace std::string_view_literals;
  CHECK(problem<std::vector<int>>("\xdd\xff\xff\xff\xff"sv) == "not a well-formed MessagePack value");
  CHECK(problem<std::vector<int>>("\xdd\x7f\xff\xff\xff\x01"sv) == "not a well-formed MessagePack value");
  CHECK(problem<std::map<int, int>>("\xdf\xff\xff\xff\xff"sv) == "not a well-formed MessagePack value");
  CHECK(problem<std::map<int, int>>("\xdf\x80\x00\x00\x00"sv) == "not a well-formed MessagePack value");
  CHECK(problem<std::string>("\xdb\xff\xff\xff\xff"sv) == "not a well-formed MessagePack value");
}

TEST_CASE("Damaged bytes are an error or a value, never a crash") {
  std::mt19937 random{20240229};
  const auto intact = tyto::to_bytes(sample());
  const auto any = [&random](std::size_t below) { return random() % below; };
  for (int round = 0; round < 20'000; ++round) {
    auto bytes = intact;
    for (auto flips = 1 + any(3); flips > 0; --flips) bytes[any(bytes.size())] = static_cast<char>(random());
    if (any(4) == 0) bytes.erase(any(bytes.size()), 1 + any(5));
    if (any(4) == 0) bytes.insert(any(bytes.size() + 1), 1, static_cast<char>(random()));
    const std::vector<char> exactly(bytes.begin(), bytes.end());  // so that a sanitizer sees a byte too far
    const auto read = tyto::from_bytes<everything>({exactly.data(), exactly.size()});
    if (!read) REQUIRE_FALSE(read.error().detail().empty());
    REQUIRE_FALSE(tyto::to_json({exactly.data(), exactly.size()}).empty());
  }
}

TEST_CASE("Random bytes are an error or a value, never a crash") {
  std::mt19937 random{7};
  for (int round = 0; round < 20'000; ++round) {
    std::vector<char> bytes(random() % 24);
    for (auto& byte : bytes) byte = static_cast<char>(random());
    const std::string_view view{bytes.data(), bytes.size()};
    const auto read = tyto::from_bytes<purchase>(view);
    if (!read) REQUIRE_FALSE(read.error().detail().empty());
    (void)tyto::from_bytes<std::vector<std::map<std::string, std::optional<double>>>>(view);
    REQUIRE_FALSE(tyto::to_json(view).empty());
  }
}

TEST_CASE("Bytes nested more deeply than a stack may bear are an error") {
  for (const std::size_t levels : {tyto::max_nesting + 1, std::size_t{10'000}, std::size_t{1'000'000}}) {
    const auto bytes = std::string(levels, '\x91') + '\xc0';
    CHECK(problem<std::vector<int>>(bytes) == "nested too deeply");
    CHECK(tyto::to_json(bytes) == "<not printable as JSON>");
  }
  CHECK(tyto::to_json(std::string(tyto::max_nesting, '\x91') + '\xc0').size() == 2 * tyto::max_nesting + 4);
}

TEST_CASE("A value of a recursive type is refused when written if it could not be read back") {
  const auto nested = [](std::size_t levels) {
    tree made;
    for (std::size_t i = 1; i < levels; ++i) {
      tree above;
      above.children.push_back(std::move(made));
      made = std::move(above);
    }
    return made;
  };
  const auto deepest = tyto::max_nesting / 2;  // each level of the tree is a map and an array
  CHECK(tyto::from_bytes<tree>(tyto::to_bytes(nested(deepest))));
  CHECK_THROWS_AS(tyto::to_bytes(nested(deepest + 1)), std::length_error);
}

TEST_CASE("Bytes that are no MessagePack are said to be so where JSON is wanted") {
  CHECK(tyto::to_json("") == "<not printable as JSON>");
  CHECK(tyto::to_json("\xd9") == "<not printable as JSON>");
}

TEST_CASE("Text that is no UTF-8 still prints as JSON") {
  CHECK(tyto::to_json(tyto::to_bytes(std::string{"a\xff"})) == "\"a\xEF\xBF\xBD\"");
}

TEST_CASE("A value that breaks a field's invariant cannot be written") {
  CHECK_THROWS_AS(tyto::to_bytes(discount{101, "sale"}), std::invalid_argument);
  CHECK_NOTHROW(tyto::to_bytes(discount{100, "sale"}));
}

#include "tyto/storable.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>
#include "support/catch.hpp"

#include "tyto/codec.hpp"
#include "tyto/document.hpp"
#include "tyto/event.hpp"
#include "tyto/row_key.hpp"

namespace {

using namespace std::chrono_literals;

enum class shade : std::uint8_t { light = 1, dark = 200 };
enum plain { first, second };
enum class letter : char { a = 'a' };

struct inner {
  int number = 0;
  std::optional<std::string> text;
  friend bool operator==(const inner&, const inner&) = default;
};
TYTO_VALUE(inner, number, text)

struct late;
struct early {
  std::vector<late> all;
};
TYTO_VALUE(early, all)
struct late {
  int number = 0;
};
TYTO_VALUE(late, number)

struct tree {
  int root = 0;
  std::vector<tree> branches;
  friend bool operator==(const tree&, const tree&) = default;
};
TYTO_VALUE(tree, root, branches)

struct unnamed {
  int number = 0;
};

// Says what `value` is as JSON, once it has been stored and read back.
template <class T>
std::string survives(const T& value) {
  static_assert(tyto::storable<T>);
  const auto bytes = tyto::to_bytes(value);
  const auto back = tyto::from_bytes<T>(bytes);
  REQUIRE(back);
  CHECK(*back == value);
  return tyto::to_json(bytes);
}

// Whether the values, which ascend, are keys whose bytes do, too, and can be read back.
template <class K>
bool sorts(const std::vector<K>& ascending) {
  static_assert(tyto::row_key_type<K> && tyto::storable<K>);
  std::string before;
  for (const auto& key : ascending) {
    const auto bytes = tyto::to_row_key(key);
    K back{};
    if (!tyto::from_row_key(bytes, back) || back != key || bytes <= before) return false;
    before = bytes;
  }
  return true;
}

template <class T>
using limits = std::numeric_limits<T>;

struct money {
  int cents = 0;
};
TYTO_VALUE(money, cents)
struct priced : money {
  std::string currency;
};
struct taxed : money {
  int percent = 0;
};
TYTO_VALUE(taxed, cents, percent)
struct price_list : std::vector<money> {};
struct discounted : std::vector<money> {
  int percent = 0;
};
template <class T>
struct boxed {
  T content{};
};
template <class Inspector, class T>
bool inspect(Inspector& f, boxed<T>& x) {
  return f.object(x).fields(f.field("content", x.content));
}

}  // namespace

TEST_CASE("Every type that can be stored is read back as it was, and can be exported") {
  CHECK(survives(true) == "true");
  CHECK(survives(std::int8_t{-128}) == "-128");
  CHECK(survives(std::uint8_t{255}) == "255");
  CHECK(survives(limits<short>::min()) == "-32768");
  CHECK(survives(limits<unsigned short>::max()) == "65535");
  CHECK(survives(limits<int>::min()) == "-2147483648");
  CHECK(survives(limits<long>::min()) == "-9223372036854775808");
  CHECK(survives(limits<long long>::max()) == "9223372036854775807");
  CHECK(survives(limits<unsigned long long>::max()) == "18446744073709551615");
  CHECK(survives(shade::dark) == "200");
  CHECK(survives(second) == "1");
  CHECK(survives(std::byte{7}) == "7");
  CHECK(survives(0.5F) == "0.5");
  CHECK(survives(0.1) == "0.1");
  CHECK(survives(limits<double>::infinity()) == "null");
  CHECK(survives(std::string{"a\0\"b", 4}) == R"("a\u0000\"b")");
  CHECK(survives(std::vector<std::byte>{std::byte{1}, std::byte{2}}) == R"({"bytes":[1,2],"subtype":null})");
  CHECK(survives(std::optional<int>{}) == "null");
  CHECK(survives(std::optional<int>{3}) == "3");
  CHECK(survives(std::chrono::milliseconds{-5}) == "-5");
  CHECK(survives(std::chrono::duration<double>{0.5}) == "0.5");
  CHECK(survives(std::chrono::sys_days{std::chrono::days{3}}) == "3");
  CHECK(survives(std::chrono::system_clock::time_point{9ns}) == "9");
  CHECK(survives(inner{3, "x"}) == R"({"number":3,"text":"x"})");
  CHECK(survives(tree{1, {{2, {}}}}) == R"({"root":1,"branches":[{"root":2,"branches":[]}]})");
}

TEST_CASE("So are containers, pairs and tuples of such types") {
  CHECK(survives(std::vector<int>{1, 2}) == "[1,2]");
  CHECK(survives(std::vector<bool>{true, false}) == "[true,false]");
  CHECK(survives(std::vector<std::optional<int>>{1, std::nullopt}) == "[1,null]");
  CHECK(survives(std::optional{std::vector<std::optional<int>>(1)}) == "[null]");
  CHECK(survives(std::deque<std::string>{"a"}) == R"(["a"])");
  CHECK(survives(std::list<inner>{{1, {}}}) == R"([{"number":1,"text":null}])");
  CHECK(survives(std::set<int>{2, 1}) == "[1,2]");
  CHECK(survives(std::multiset<int>{1, 1}) == "[1,1]");
  CHECK(survives(std::unordered_set<int>{1}) == "[1]");
  CHECK(survives(std::array<int, 2>{1, 2}) == "[1,2]");
  CHECK(survives(std::pair{1, std::string{"a"}}) == R"([1,"a"])");
  CHECK(survives(std::tuple{1, 0.5, true}) == "[1,0.5,true]");
  CHECK(survives(std::map<std::string, int>{{"a", 1}, {"b", 2}}) == R"({"a":1,"b":2})");
  CHECK(survives(std::unordered_map<std::string, int>{{"a", 1}}) == R"({"a":1})");
}

TEST_CASE("A map whose keys are not strings is exported as an array of pairs") {
  CHECK(survives(std::map<int, int>{{1, 10}, {2, 20}}) == "[[1,10],[2,20]]");
  CHECK(survives(std::map<shade, std::map<bool, int>>{{shade::light, {{true, 1}}}}) == "[[1,[[true,1]]]]");
  CHECK(survives(std::map<std::pair<int, std::string>, inner>{{{1, "a"}, {2, {}}}}) ==
        R"([[[1,"a"],{"number":2,"text":null}]])");
}

TEST_CASE("Keys of every type that may be one sort like their values") {
  CHECK(sorts<bool>({false, true}));
  CHECK(sorts<std::int8_t>({-128, -1, 0, 127}));
  CHECK(sorts<std::uint8_t>({0, 128, 255}));
  CHECK(sorts<int>({limits<int>::min(), -1, 0, 1, limits<int>::max()}));
  CHECK(sorts<std::int64_t>({limits<std::int64_t>::min(), 0, limits<std::int64_t>::max()}));
  CHECK(sorts<std::uint64_t>({0, limits<std::uint64_t>::max()}));
  CHECK(sorts<shade>({shade::light, shade::dark}));
  CHECK(sorts<std::string>({"", std::string{"\0", 1}, "a", "ab", "b"}));
  CHECK(sorts<std::chrono::seconds>({-1s, 0s, 1s}));
  CHECK(sorts<tyto::timestamp>({tyto::timestamp{-1us}, tyto::timestamp{}, tyto::timestamp{1us}}));
  CHECK(sorts<std::pair<std::string, int>>({{"a", 1}, {"a", 2}, {"ab", 0}}));
  CHECK(sorts<std::tuple<int, std::string>>({{-1, "b"}, {0, "a"}}));
  CHECK(sorts<std::array<int, 2>>({{-1, 5}, {0, -5}}));
}

TEST_CASE("A field's type may be made storable after the event") {
  CHECK(tyto::to_json(tyto::to_bytes(early{{{1}, {2}}})) == R"({"all":[{"number":1},{"number":2}]})");
  CHECK(tyto::storable<early>);
  CHECK(tyto::storable<tyto::document>);
}

TEST_CASE("What is derived from a value or a container and says of itself how, or adds nothing, can be stored") {
  STATIC_REQUIRE(tyto::storable<money>);
  STATIC_REQUIRE(tyto::storable<taxed>);
  STATIC_REQUIRE(tyto::storable<price_list>);
  STATIC_REQUIRE(tyto::storable<boxed<int>>);
}

TEST_CASE("What would be read back as something else, or not at all, cannot be stored") {
  STATIC_REQUIRE_FALSE(tyto::storable<std::optional<std::optional<int>>>);
  STATIC_REQUIRE_FALSE(tyto::storable<std::vector<std::optional<std::optional<int>>>>);
  STATIC_REQUIRE_FALSE(tyto::storable<long double>);
  STATIC_REQUIRE_FALSE(tyto::storable<std::chrono::duration<long double>>);
  __extension__ using wide = __int128;
  __extension__ using unsigned_wide = unsigned __int128;
  STATIC_REQUIRE_FALSE(tyto::storable<wide>);
  STATIC_REQUIRE_FALSE(tyto::storable<unsigned_wide>);
  STATIC_REQUIRE_FALSE(tyto::storable<char>);
  STATIC_REQUIRE_FALSE(tyto::storable<wchar_t>);
  STATIC_REQUIRE_FALSE(tyto::storable<char8_t>);
  STATIC_REQUIRE_FALSE(tyto::storable<char16_t>);
  STATIC_REQUIRE_FALSE(tyto::storable<char32_t>);
  STATIC_REQUIRE_FALSE(tyto::storable<letter>);
  STATIC_REQUIRE_FALSE(tyto::storable<std::wstring>);
  STATIC_REQUIRE_FALSE(tyto::storable<std::vector<char>>);
  STATIC_REQUIRE_FALSE(tyto::storable<std::string_view>);
  STATIC_REQUIRE_FALSE(tyto::storable<const char*>);
  STATIC_REQUIRE_FALSE(tyto::storable<char[4]>);
  STATIC_REQUIRE_FALSE(tyto::storable<int[4]>);
  STATIC_REQUIRE_FALSE(tyto::storable<int*>);
  STATIC_REQUIRE_FALSE(tyto::storable<const int>);
  STATIC_REQUIRE_FALSE(tyto::storable<std::chrono::steady_clock::time_point>);
  STATIC_REQUIRE_FALSE(tyto::storable<std::multimap<int, int>>);
  STATIC_REQUIRE_FALSE(tyto::storable<unnamed>);
  STATIC_REQUIRE_FALSE(tyto::storable<std::map<int, unnamed>>);
  STATIC_REQUIRE_FALSE(tyto::storable<volatile int>);
  STATIC_REQUIRE_FALSE(tyto::storable<priced>);
  STATIC_REQUIRE_FALSE(tyto::storable<std::reference_wrapper<money>>);
  STATIC_REQUIRE_FALSE(tyto::storable<discounted>);
}

TEST_CASE("What has no order in bytes is no key") {
  STATIC_REQUIRE_FALSE(tyto::row_key_type<double>);
  STATIC_REQUIRE_FALSE(tyto::row_key_type<char>);
  STATIC_REQUIRE_FALSE(tyto::row_key_type<std::pair<int, double>>);
  STATIC_REQUIRE_FALSE(tyto::row_key_type<std::optional<int>>);
  STATIC_REQUIRE_FALSE(tyto::row_key_type<std::vector<int>>);
  STATIC_REQUIRE_FALSE(tyto::row_key_type<std::chrono::duration<double>>);
  STATIC_REQUIRE_FALSE(tyto::row_key_type<inner>);
}

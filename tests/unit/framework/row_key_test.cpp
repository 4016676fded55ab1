#include "tyto/row_key.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "support/catch.hpp"

namespace {

enum class rank : std::int16_t { low = -5, middle = 0, high = 7 };

// Checks for each pair of keys that the bytes compare like the keys, and for each key that it comes back.
template <class K>
void check_keys(const std::vector<K>& keys) {
  for (const auto& a : keys) {
    const auto a_bytes = tyto::to_row_key(a);
    K back{};
    REQUIRE(tyto::from_row_key(a_bytes, back));
    REQUIRE(back == a);
    for (const auto& b : keys) {
      REQUIRE((a_bytes < tyto::to_row_key(b)) == (a < b));
    }
  }
}

std::string random_text(std::mt19937& random) {
  const char alphabet[] = {'\0', '\x01', 'a', 'b', '\x7f', '\xfe', '\xff'};  // where escapes could go wrong
  std::string text(random() % 6, ' ');
  for (auto& c : text) c = alphabet[random() % std::size(alphabet)];
  return text;
}

}  // namespace

TEMPLATE_TEST_CASE("Integers sort as bytes like they do as numbers, and come back", "", bool, signed char, std::uint8_t,
                   std::int16_t, std::uint16_t, std::int32_t, std::uint32_t, std::int64_t, std::uint64_t) {
  using limits = std::numeric_limits<TestType>;
  std::vector<TestType> keys{limits::min(), limits::max(), TestType{0}, TestType{1}};
  std::mt19937_64 random{3};
  for (int i = 0; i < 100; ++i) keys.push_back(static_cast<TestType>(random()));
  // vector<bool> has no real elements
  if constexpr (!std::same_as<TestType, bool>) check_keys(keys);
  CHECK(tyto::to_row_key(false) < tyto::to_row_key(true));
}

TEST_CASE("Enums sort as bytes like their numbers, and come back") {
  check_keys<rank>({rank::high, rank::low, rank::middle});
}

TEST_CASE("Strings sort as bytes like they do as strings, and come back") {
  using namespace std::string_literals;
  check_keys<std::string>(
      {""s, "a"s, "a\0"s, "a\0\0"s, "a\0b"s, "a\1"s, "aa"s, "ab"s, "b"s, "\0"s, "\xff"s, "\0\xff"s, "\0\1"s, "a\xff"s});
}

TEST_CASE("Random strings sort as bytes like they do as strings, and come back") {
  std::mt19937 random{5};
  std::vector<std::string> keys(300);
  std::generate(keys.begin(), keys.end(), [&] { return random_text(random); });
  check_keys(keys);
}

TEST_CASE("Random tuples sort as bytes like they do as tuples, and come back") {
  std::mt19937 random{9};
  std::vector<std::tuple<std::string, std::int32_t, std::pair<std::string, rank>>> keys(300);
  std::generate(keys.begin(), keys.end(), [&] {
    return std::tuple{random_text(random), static_cast<std::int32_t>(random() % 5) - 2,
                      std::pair{random_text(random), static_cast<rank>(static_cast<int>(random() % 5) - 2)}};
  });
  check_keys(keys);
}

TEST_CASE("A prefix of a string begins the keys of the strings that begin with it, and no others") {
  const auto begins = [](const std::string& key, const std::string& prefix) {
    return tyto::to_row_key(key).starts_with(tyto::to_row_key_prefix<std::string>(prefix));
  };
  CHECK(begins("owl", "ow"));
  CHECK(begins("ow", "ow"));
  CHECK(begins("", ""));
  CHECK_FALSE(begins("o", "ow"));
  std::mt19937 random{17};
  for (int round = 0; round < 20'000; ++round) {
    const auto key = random_text(random);
    const auto prefix = random_text(random);
    REQUIRE(begins(key, prefix) == key.starts_with(prefix));
  }
}

TEST_CASE("The first elements of a tuple begin its key, whatever integers they are given as") {
  using key = std::tuple<std::string, std::int64_t, std::int16_t>;
  const auto bytes = tyto::to_row_key(key{"owl", -3, std::int16_t{9}});
  CHECK(bytes.starts_with(tyto::to_row_key_prefix<key>("owl")));
  CHECK(bytes.starts_with(tyto::to_row_key_prefix<key>("owl", -3)));
  CHECK(bytes == tyto::to_row_key_parts<key>("owl", -3, std::int16_t{9}));
  CHECK_FALSE(bytes.starts_with(tyto::to_row_key_prefix<key>("ow")));
  CHECK_FALSE(bytes.starts_with(tyto::to_row_key_prefix<key>("owl", 3)));
}

TEST_CASE("What comes after a prefix is the least that is greater than all that begin with it") {
  CHECK(tyto::after_prefix("ab") == "ac");
  CHECK(tyto::after_prefix("a\xff\xff") == "b");
  CHECK(tyto::after_prefix("\x7f") == "\x80");
  CHECK(tyto::after_prefix("\xff").empty());
  CHECK(tyto::after_prefix("").empty());
}

TEST_CASE("Bytes that are no key of the type are refused") {
  std::int32_t number = 0;
  std::string text;
  std::pair<std::string, std::int32_t> both;
  CHECK_FALSE(tyto::from_row_key("", number));
  CHECK_FALSE(tyto::from_row_key("abc", number));
  CHECK_FALSE(tyto::from_row_key("abcde", number));
  CHECK_FALSE(tyto::from_row_key("", text));
  CHECK_FALSE(tyto::from_row_key("no end", text));
  CHECK_FALSE(tyto::from_row_key(std::string_view{"a\0", 2}, text));
  CHECK_FALSE(tyto::from_row_key(std::string_view{"a\0\2", 3}, text));
  CHECK_FALSE(tyto::from_row_key(tyto::to_row_key(std::string{"a"}) + "x", text));
  CHECK_FALSE(tyto::from_row_key(tyto::to_row_key(std::string{"a"}), both));
}

TEST_CASE("Random bytes are a key or refused, never a crash") {
  std::mt19937 random{13};
  for (int round = 0; round < 20'000; ++round) {
    std::vector<char> bytes(random() % 16);
    for (auto& byte : bytes) byte = random() % 3 == 0 ? '\0' : static_cast<char>(random());
    std::tuple<std::string, std::int16_t, std::string> key;
    const std::string_view view{bytes.data(), bytes.size()};
    if (tyto::from_row_key(view, key)) REQUIRE(tyto::to_row_key(key) == view);
  }
}

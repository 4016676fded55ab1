#include "lmdb/stream_key.hpp"

#include <limits>
#include <string>

#include "support/catch.hpp"

using namespace tyto;

namespace {

std::string key(std::string_view persistence_id, std::uint64_t number) {
  return std::string{stream_key{persistence_id, number}.bytes()};
}

}  // namespace

TEST_CASE("A key is the persistence id, a NUL and the number in big-endian") {
  CHECK(key("order|1", 0x0102) == std::string{"order|1\0\0\0\0\0\0\0\1\2", 16});
}

TEST_CASE("Keys sort by stream, and those of one stream by number") {
  CHECK(key("order|1", 255) < key("order|1", 256));
  CHECK(key("order|1", 1) < key("order|1", std::numeric_limits<std::uint64_t>::max()));
  CHECK(key("order|1", std::numeric_limits<std::uint64_t>::max()) < key("order|10", 0));
  CHECK(key("order|1", std::numeric_limits<std::uint64_t>::max()) < key("order|2", 0));
}

TEST_CASE("A key says of what stream and what number it is") {
  const stream_key made{"order|1", 7'000'000'000};
  CHECK(made.persistence_id() == "order|1");
  CHECK(stream_key::number_in(made.bytes()) == 7'000'000'000);
}

TEST_CASE("A key that is set anew is like one made anew") {
  stream_key changed{"customer|12345", 99};
  changed.set(3);
  CHECK(changed.bytes() == key("customer|12345", 3));
  changed.set("order|1", 5);
  CHECK(changed.bytes() == key("order|1", 5));
}

TEST_CASE("Keys of one stream are siblings, those of others are not") {
  const stream_key one{"order|1", 5};
  CHECK(one.is_sibling(key("order|1", 6)));
  CHECK(one.is_sibling(one.bytes()));
  CHECK_FALSE(one.is_sibling(key("order|2", 5)));
  CHECK_FALSE(one.is_sibling(key("order|10", 5)));
  CHECK_FALSE(one.is_sibling(key("order|", 5)));
  CHECK_FALSE(one.is_sibling(""));
}

#include "lmdb/run_entry.hpp"

#include <random>
#include <string>

#include "support/catch.hpp"

using namespace tyto;

namespace {

using numbers = std::vector<std::uint64_t>;

position_packer packed(const numbers& positions) {
  position_packer packer;
  for (const auto each : positions) REQUIRE(packer.add(each));
  return packer;
}

}  // namespace

TEST_CASE("A key is taken apart as it was put together, and others are none of an entry's") {
  const run_key key{"order|1", 0x0102030405060708, 77};
  CHECK(key.bytes().substr(0, 8) == "\x01\x02\x03\x04\x05\x06\x07\x08");
  CHECK(key.name() == "order|1");
  const auto parts = run_key::parse(key.bytes());
  REQUIRE(parts);
  CHECK(parts->hash == 0x0102030405060708);
  CHECK(parts->name == "order|1");
  CHECK(parts->number == 77);
  CHECK(key.is_sibling(run_key{"order|1", 0x0102030405060708, 78}.bytes()));
  CHECK_FALSE(key.is_sibling(run_key{"order|2", 0x0102030405060708, 77}.bytes()));
  CHECK_FALSE(key.is_sibling(run_key{"order|10", 0x0102030405060708, 77}.bytes()));
  CHECK_FALSE(run_key::parse(key.bytes().substr(0, 8)));  // a piece of a filter
  CHECK_FALSE(run_key::parse(std::string(17, 'x')));
}

TEST_CASE("Positions come out of an entry as they went in, whatever their distances") {
  std::mt19937_64 random{1};
  for (int round = 0; round < 200; ++round) {
    numbers positions{random() >> (random() % 60 + 4)};
    for (auto n = random() % 100; n > 0; --n)
      positions.push_back(positions.back() + 1 + (random() >> (random() % 40 + 24)));
    const auto value = packed(positions).value("key");
    const auto unpacked = packed_positions::unpack("key", value);
    REQUIRE(unpacked);
    CHECK(unpacked->count == positions.size());
    CHECK(unpacked->first == positions.front());
    CHECK(unpacked->last == positions.back());
    CHECK(unpacked->positions() == positions);
    const auto skipped = random() % positions.size();
    CHECK(unpacked->without_first(skipped).positions() ==
          numbers(positions.begin() + static_cast<std::ptrdiff_t>(skipped), positions.end()));
  }
}

TEST_CASE("An entry holds so many positions, and so many bytes, and then no more") {
  position_packer by_count;
  std::uint64_t position = 0;
  while (by_count.add(++position)) continue;
  CHECK(by_count.count() == entry_positions_max);
  position_packer by_bytes;
  for (position = 1; by_bytes.add(position); position += std::uint64_t{1} << 50) continue;
  CHECK(by_bytes.count() < entry_positions_max);
  CHECK(by_bytes.value("key").size() <= entry_value_bytes_max);
  CHECK(by_bytes.value("key").size() > entry_value_bytes_max - 30);
}

TEST_CASE("Entries are joined as a whole or not at all") {
  const auto first = packed({3, 4, 9}).value("a");
  const auto second = packed({10, 100}).value("b");
  position_packer joined;
  joined.add(*packed_positions::unpack("a", first));
  REQUIRE(joined.has_room(*packed_positions::unpack("b", second)));
  joined.add(*packed_positions::unpack("b", second));
  CHECK(packed_positions::unpack("a", joined.value("a"))->positions() == numbers{3, 4, 9, 10, 100});
  numbers many;
  for (std::uint64_t i = 0; i < entry_positions_max - 4; ++i) many.push_back(1000 + i);
  CHECK_FALSE(joined.has_room(*packed_positions::unpack("c", packed(many).value("c"))));
}

TEST_CASE("Whatever bit of an entry is changed, it is found") {
  const run_key key{"order|1", 12345, 1};
  const auto value = packed({5, 700, 90'000}).value(key.bytes());
  for (std::size_t bit = 0; bit < value.size() * 8; ++bit) {
    auto changed = value;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ 1 << bit % 8);
    CHECK_FALSE(packed_positions::unpack(key.bytes(), changed));
  }
  for (std::size_t bit = 0; bit < key.bytes().size() * 8; ++bit) {
    std::string changed{key.bytes()};
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ 1 << bit % 8);
    CHECK_FALSE(packed_positions::unpack(changed, value));
  }
  for (std::size_t size = 0; size < value.size(); ++size) {
    CHECK_FALSE(packed_positions::unpack(key.bytes(), value.substr(0, size)));
  }
}

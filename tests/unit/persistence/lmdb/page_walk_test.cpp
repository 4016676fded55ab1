#include "lmdb/page_walk.hpp"

#include <algorithm>
#include <random>

#include "damaged_file.hpp"
#include "support/catch.hpp"

using namespace tyto;
using namespace tyto::test;

namespace {

bool has(const lmdb::page_walk& walk, const std::string& what) {
  return std::ranges::any_of(walk.defects, [&](const lmdb::page_defect& each) {
    return (each.where + ": " + each.what).find(what) != std::string::npos;
  });
}

constexpr auto lower = offsetof(format::page_header, lower);
constexpr auto upper = offsetof(format::page_header, upper);

}  // namespace

TEST_CASE("Sound pages are counted and nothing is found") {
  const damaged_file file;
  const auto walk = file.walk();
  CHECK(walk.is_sound());
  CHECK(walk.pages == file.meta().last_page + 1);
  CHECK(walk.free_pages > 0);
  CHECK(walk.lost_pages == 0);
  REQUIRE(walk.tables.size() == 2);
  CHECK(walk.tables[0].name == "names");
  CHECK(walk.tables[0].record.depth >= 3);
  CHECK(walk.tables[1].name == "numbers");
  CHECK(walk.tables[1].record.flags == format::integer_keys);
  CHECK(walk.tables[1].record.entries == 12'000);
}

TEST_CASE("A page that is not the one that its parent expects is found, with the keys that are on it") {
  damaged_file file;
  const auto branch = file.view(file.root("numbers")).at(1).page;
  const auto page = file.view(branch).at(1).page;
  SECTION("by its number") {
    file.set<std::uint64_t>(file.begin_of(page), 3);
    const auto walk = file.walk();
    REQUIRE(walk.defects.size() == 1);
    CHECK(walk.defects[0].where.find("page " + std::to_string(page) + " (table numbers, from ") == 0);
    CHECK(walk.defects[0].where.find(", before ") != std::string::npos);
    CHECK(walk.defects[0].what == "its number says 3");
    CHECK_FALSE(walk.tables[1].is_sound);
    CHECK(walk.tables[0].is_sound);
  }
  SECTION("by its flags") {
    for (const std::uint16_t flags : {0x00, 0x01, 0x04, 0x08, 0x12, 0x22, 0x42}) {
      file.set(file.begin_of(page) + 10, flags);
      CHECK_FALSE(file.walk().is_sound());
    }
  }
  SECTION("because it is empty") {
    file.bytes.replace(file.begin_of(page), file.page_bytes, file.page_bytes, '\0');
    CHECK(has(file.walk(), "its number says 0"));
  }
  SECTION("because two have changed places") {
    const auto other = file.view(branch).at(2).page;
    std::swap_ranges(file.bytes.begin() + file.begin_of(page),
                     file.bytes.begin() + file.begin_of(page) + file.page_bytes,
                     file.bytes.begin() + file.begin_of(other));
    CHECK(file.walk().defects.size() == 2);
  }
}

TEST_CASE("A page whose parts do not lie as they must is found") {
  damaged_file file;
  const auto page = file.leaf(file.root("numbers"));
  const auto begin = file.begin_of(page);
  const auto node = file.node(page, 1);
  SECTION("bounds") {
    file.set<std::uint16_t>(begin + lower, GENERATE(0, 14, 17, 4095, 65534));
    CHECK(has(file.walk(), "its bounds are"));
  }
  SECTION("the place of the nodes") {
    file.set<std::uint16_t>(begin + upper, file.get<std::uint16_t>(begin + upper) - 2);
    CHECK(has(file.walk(), "its nodes take"));
  }
  SECTION("a node") {
    file.set<std::uint16_t>(begin + sizeof(format::page_header) + 2, GENERATE(0, 3, 4090, 4096, 65534));
    CHECK(has(file.walk(), "its node 1 lies at"));
  }
  SECTION("a node in the place of another") {
    file.set(begin + sizeof(format::page_header) + 2, file.get<std::uint16_t>(begin + sizeof(format::page_header)));
    CHECK(has(file.walk(), "its node 1 lies where another one does"));
  }
  SECTION("a node that begins within another") {
    const auto offset = begin + sizeof(format::page_header) + 2;
    file.set<std::uint16_t>(offset, file.get<std::uint16_t>(offset) + 2);
    CHECK_FALSE(file.walk().is_sound());
  }
  SECTION("the size of a key") {
    file.set<std::uint16_t>(node + 6, file.get<std::uint16_t>(node + 6) ^ GENERATE(1, 2, 0x4000));
    CHECK_FALSE(file.walk().is_sound());
  }
  SECTION("the size of a value") {
    file.set<std::uint16_t>(node, file.get<std::uint16_t>(node) ^ GENERATE(1, 2, 4, 0x8000));
    CHECK_FALSE(file.walk().is_sound());
    file.set<std::uint16_t>(node + 2, 1);
    CHECK(has(file.walk(), "its node 1 reaches over its end"));
  }
  SECTION("a value's flags") {
    file.set<std::uint16_t>(node + 4, GENERATE(1, 2, 4, 8));
    CHECK_FALSE(file.walk().is_sound());
  }
}

TEST_CASE("Keys that are not in their order, or not on the page of their parent, are found") {
  damaged_file file;
  SECTION("numbers") {
    const auto page = file.view(file.view(file.root("numbers")).at(1).page).at(1).page;
    file.set<std::uint64_t>(file.node(page, 1) + sizeof(format::node_header), GENERATE(0, 1'000'000));
    CHECK_FALSE(file.walk().is_sound());
  }
  SECTION("a number as large as the one before it") {
    const auto page = file.leaf(file.root("numbers"));
    const auto key = sizeof(format::node_header);
    file.set(file.node(page, 2) + key, file.get<std::uint64_t>(file.node(page, 1) + key));
    CHECK(has(file.walk(), "comes after"));
  }
  SECTION("the last one of a page, beyond the next page's first") {
    const auto page = file.leaf(file.root("numbers"));
    file.set<std::uint64_t>(file.node(page, file.view(page).count() - 1) + sizeof(format::node_header), 5000);
    CHECK(has(file.walk(), "the key 5000 is not before"));
  }
  SECTION("a name") {
    const auto page = file.leaf(file.root("names"));
    file.set(file.node(page, 1) + sizeof(format::node_header), '\x7f');
    CHECK_FALSE(file.walk().is_sound());
  }
  SECTION("a key of a branch page") {
    const auto page = file.root("numbers");
    file.set<std::uint64_t>(file.node(page, 1) + sizeof(format::node_header), 1);
    CHECK_FALSE(file.walk().is_sound());
  }
}

TEST_CASE("A table that has not as much as its record says is found") {
  damaged_file file;
  const auto record = file.record("numbers");
  SECTION("entries") {
    file.set<std::uint64_t>(record + offsetof(format::tree, entries), 12'001);
    CHECK(has(file.walk(), "it should have 12001 entries, and has 12000"));
  }
  SECTION("pages") {
    const auto offset = record + GENERATE(offsetof(format::tree, branch_pages), offsetof(format::tree, leaf_pages),
                                          offsetof(format::tree, overflow_pages));
    file.set<std::uint64_t>(offset, file.get<std::uint64_t>(offset) ^ 4);
    CHECK(has(file.walk(), "pages, and has"));
  }
  SECTION("levels") {
    const auto depth = GENERATE(0, 1, 2, 4, 33, 65535);
    file.set<std::uint16_t>(record + offsetof(format::tree, depth), depth);
    CHECK_FALSE(file.walk().is_sound());
  }
  SECTION("a page to begin with") {
    file.set<std::uint64_t>(record + offsetof(format::tree, root), GENERATE(0, 1, 1'000'000, ~std::uint64_t{0}));
    CHECK_FALSE(file.walk().is_sound());
  }
  SECTION("the right flags") {
    file.set<std::uint16_t>(record + offsetof(format::tree, flags), 4);
    CHECK(has(file.walk(), "its flags are 0x4"));
    file.set<std::uint16_t>(record + offsetof(format::tree, flags), 0);
    CHECK_FALSE(file.walk().is_sound());  // its keys are in the order of numbers
  }
}

TEST_CASE("A value that does not lie where its entry says is found") {
  damaged_file file;
  const auto page = file.overflow();
  const auto begin = file.begin_of(page);
  SECTION("another page") {
    file.set<std::uint64_t>(begin, page + 1);
    CHECK(has(file.walk(), "its number says"));
  }
  SECTION("no page of values") {
    file.set<std::uint16_t>(begin + 10, 2);
    CHECK(has(file.walk(), "its flags are 0x2"));
  }
  SECTION("too few pages") {
    file.set<std::uint32_t>(begin + lower, GENERATE(0, 1, 2));
    CHECK(has(file.walk(), "9000 bytes need 3 pages"));
  }
  SECTION("pages of others") {
    file.set<std::uint32_t>(begin + lower, GENERATE(4, 100'000, ~std::uint32_t{0}));
    CHECK_FALSE(file.walk().is_sound());
  }
}

TEST_CASE("A page that is used twice is found, and a way that leads back ends") {
  damaged_file file;
  const auto page = file.root("names");
  const bool leads_back = GENERATE(true, false);
  const auto child = leads_back ? page : file.view(page).at(1).page;
  file.set<std::uint16_t>(file.node(page, 0), static_cast<std::uint16_t>(child));
  CHECK(has(file.walk(), "is used twice"));
}

TEST_CASE("What is wrong with the list of free pages is found") {
  damaged_file file;
  const auto list = file.free_list();
  REQUIRE(file.get<std::uint64_t>(list) > 1);
  SECTION("a page that is used") {
    file.set<std::uint64_t>(list + 8, file.root("numbers"));
    CHECK(has(file.walk(), "which is used"));
  }
  SECTION("a page twice") {
    file.set(list + 16, file.get<std::uint64_t>(list + 8));
    CHECK(has(file.walk(), "after page"));
  }
  SECTION("a page that does not exist") {
    file.set<std::uint64_t>(list + 8, file.meta().last_page + 1);
    CHECK(has(file.walk(), "lists page"));
  }
  SECTION("more pages than there is room for") {
    file.set<std::uint64_t>(list, GENERATE(1'000'000, ~std::uint64_t{0}));
    CHECK(has(file.walk(), "lists"));
  }
  SECTION("fewer pages: some are lost, which damages nothing") {
    file.set<std::uint64_t>(list, 0);
    CHECK(file.walk().is_sound());
    CHECK(file.walk().lost_pages > 0);
  }
  SECTION("a transaction that has not been") {
    file.set<std::uint64_t>(file.node(file.free_leaf(), file.view(file.free_leaf()).count() - 1) + 8, 1'000);
    CHECK(has(file.walk(), "is from a transaction that has not been"));
  }
}

TEST_CASE("As many defects are listed as was asked for, and the others are counted") {
  damaged_file file;
  const auto branch = file.view(file.root("numbers")).at(0).page;
  for (std::size_t i = 0; i < 10; ++i) file.set<std::uint64_t>(file.begin_of(file.view(branch).at(i).page), 0);
  const auto walk = file.walk(3);
  CHECK(walk.defects.size() == 3);
  CHECK(walk.defects_left_out == 7);
}

TEST_CASE("Whatever the bytes are, the walk ends") {
  damaged_file file;
  const auto sound = file.bytes;
  std::mt19937_64 random{7};
  for (int round = 0; round < 300; ++round) {
    file.bytes = sound;
    const auto meta = file.last_meta();
    const int changes = 1 + static_cast<int>(random() % 200);
    for (int i = 0; i < changes; ++i) {
      // As a rule in the first bytes of a page, where it counts most.
      const auto page = file.begin_of(2 + random() % (file.meta().last_page - 1));
      const auto offset = page + random() % (random() % 2 == 0 ? 40 : file.page_bytes);
      file.bytes[offset] = static_cast<char>(random() % 4 == 0 ? random() : file.bytes[offset] ^ (1 << random() % 8));
    }
    if (round % 3 == 0) {
      // A record that leads anywhere.
      const auto field = meta + offsetof(format::meta_page, tables) + 8 * (random() % 6);
      file.set<std::uint64_t>(field, random() % 2 == 0 ? random() : random() % 1000);
    }
    const auto walk = file.walk();
    CHECK(walk.pages == file.meta().last_page + 1);
  }
}

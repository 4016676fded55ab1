#include "lmdb/page_file.hpp"

#include "damaged_file.hpp"
#include "support/catch.hpp"

using namespace tyto;
using namespace tyto::test;

namespace {

constexpr auto transaction = offsetof(format::meta_page, transaction);

std::string message_of(const damaged_file& file) {
  const auto meta = file.read_meta();
  REQUIRE_FALSE(meta);
  CHECK(meta.error().code() == errc::damaged);
  CHECK(meta.error().message().find(file.path().string()) != std::string::npos);
  return meta.error().message();
}

std::size_t other_meta(const damaged_file& file) { return file.page_bytes - file.last_meta(); }

}  // namespace

TEST_CASE("The meta page of the last transaction is the one with the larger number") {
  const damaged_file file;
  CHECK(file.read_meta().value().transaction == 3);
  CHECK(file.read_meta().value().header.number == 1);
  CHECK(lmdb::read_meta_of(file.open(), 3).value().transaction == 3);
  CHECK(lmdb::read_meta_of(file.open(), 2).value().transaction == 2);
  CHECK(lmdb::read_meta_of(file.open(), 1).error().code() == errc::overloaded);
}

TEST_CASE("A damaged meta page is found, the last transaction's or the other") {
  damaged_file file;
  const auto begin = GENERATE(0, 4096);
  SECTION("its number") {
    file.set<std::uint64_t>(begin, 5);
    CHECK(message_of(file).find("its number says 5") != std::string::npos);
  }
  SECTION("its flags") {
    file.set<std::uint16_t>(begin + 10, 9);
    CHECK(message_of(file).find("its flags are 0x9") != std::string::npos);
  }
  SECTION("what it begins with") {
    file.set<std::uint32_t>(begin + offsetof(format::meta_page, magic), 5);
    CHECK(message_of(file).find("it does not begin like one of LMDB") != std::string::npos);
  }
  SECTION("its version") {
    file.set<std::uint32_t>(begin + offsetof(format::meta_page, version), 2);
    CHECK(message_of(file).find("its version is 2") != std::string::npos);
  }
  SECTION("the size of pages") {
    file.set<std::uint32_t>(begin + offsetof(format::meta_page, free), GENERATE(0, 1, 4097, 8192, 65536));
    (void)message_of(file);
  }
  SECTION("its transaction, which belongs on the other page") {
    file.set(begin + transaction, file.get<std::uint64_t>(begin + transaction) + 1);
    CHECK(message_of(file).find("which belongs on the other one") != std::string::npos);
  }
  SECTION("its transaction, which does not follow the other's") {
    file.set(begin + transaction, file.get<std::uint64_t>(begin + transaction) + 64);
    CHECK(message_of(file).find("which do not follow each other") != std::string::npos);
  }
}

TEST_CASE("An older meta page that passes for the next one is found") {
  damaged_file file;
  file.set<std::uint64_t>(other_meta(file) + transaction, 4);
  CHECK(message_of(file).find("it tells of transaction 4, but the last one that gave back pages is 2") !=
        std::string::npos);
}

TEST_CASE("A last meta page that leads to no tree is found") {
  damaged_file file;
  const auto tree = file.last_meta() + GENERATE(offsetof(format::meta_page, free), offsetof(format::meta_page, tables));
  SECTION("a page that does not exist") {
    file.set<std::uint64_t>(tree + offsetof(format::tree, root), GENERATE(0, 1, 1'000'000, ~std::uint64_t{0} - 1));
    (void)message_of(file);
  }
  SECTION("another page") {
    file.set<std::uint64_t>(tree + offsetof(format::tree, root), file.overflow() + 1);
    CHECK(message_of(file).find("its number says") != std::string::npos);
  }
  SECTION("no page, at some depth") {
    file.set<std::uint64_t>(tree + offsetof(format::tree, root), ~std::uint64_t{0});
    (void)message_of(file);
  }
  SECTION("flags") {
    file.set<std::uint16_t>(tree + offsetof(format::tree, flags), 0x18);
    CHECK(message_of(file).find("has the flags 0x18") != std::string::npos);
  }
  SECTION("depth") {
    file.set<std::uint16_t>(tree + offsetof(format::tree, depth), GENERATE(0, 5, 33));
    (void)message_of(file);
  }
}

TEST_CASE("A file that is shorter than its last page is cut off") {
  damaged_file file;
  SECTION("a shorter file") {
    file.bytes.resize(file.begin_of(file.meta().last_page) + GENERATE(0, 1, 4095));
    // What was there before is not removed by writing less.
    std::filesystem::remove(file.path());
    CHECK(message_of(file).find("cut off") != std::string::npos);
  }
  SECTION("a larger number") {
    file.set<std::uint64_t>(file.last_meta() + offsetof(format::meta_page, last_page),
                            GENERATE(1'000'000, ~std::uint64_t{0}));
    CHECK(message_of(file).find("cut off") != std::string::npos);
  }
  SECTION("two meta pages, or less") {
    file.bytes.resize(GENERATE(0, 10, 151, 4096, 4200));
    std::filesystem::remove(file.path());
    CHECK(message_of(file).find("cut off") != std::string::npos);
  }
}

TEST_CASE("A file may lack pages at its end that are free") {
  damaged_file file;
  const auto last = file.meta().last_page;
  const auto set_last_page = [&](format::page_number page) {
    file.set<std::uint64_t>(file.last_meta() + offsetof(format::meta_page, last_page), page);
  };
  // The list begins with how many pages it has; the highest comes first.
  file.set<std::uint64_t>(file.free_list() + sizeof(std::uint64_t), last + 1);
  SECTION("all of them") {
    set_last_page(last + 1);
    CHECK(file.read_meta().value().last_page == last + 1);
    CHECK(lmdb::read_meta_of(file.open(), 3).value().last_page == last + 1);
    const auto walk = file.walk();
    CHECK(walk.is_sound());
    CHECK(walk.pages == last + 2);
  }
  SECTION("all but the last") {
    set_last_page(last + 2);
    CHECK(message_of(file).find("cut off") != std::string::npos);
  }
  SECTION("all but one that is used") {
    set_last_page(last + 1);
    file.bytes.resize(file.begin_of(last));
    std::filesystem::remove(file.path());
    CHECK(message_of(file).find("cut off") != std::string::npos);
  }
  SECTION("in a list that is damaged") {
    set_last_page(last + 1);
    file.set<std::uint64_t>(file.free_list() + 2 * sizeof(std::uint64_t), last + 1);
    CHECK(message_of(file).find("cut off") != std::string::npos);
  }
}

TEST_CASE("A file of another version of LMDB is not taken for a damaged one") {
  damaged_file file;
  for (const std::size_t begin : {0, 4096}) file.set<std::uint32_t>(begin + offsetof(format::meta_page, version), 2);
  CHECK(file.read_meta().error().code() == errc::newer_format);
}

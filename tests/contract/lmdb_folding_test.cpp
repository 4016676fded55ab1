// The index of streams against a model that cannot be wrong: whatever was folded when, reading a stream gives what was
// appended to it, and opening again changes nothing.
#include <catch2/catch.hpp>
#include <random>

#include "lmdb_support.hpp"

using namespace tyto;
using namespace tyto::test;

namespace {

using model = std::map<std::string, positions>;

void check_against(const event_store& store, const model& expected, std::uint64_t head, std::mt19937& random) {
  REQUIRE(store.head().value() == head);
  REQUIRE(read_all(store).size() == head);
  for (const auto& [id, places] : expected) {
    INFO(id);
    REQUIRE(store.stream_version(id).value() == places.size());
    REQUIRE(positions_of(read_stream(store, id)) == places);
    const auto from = std::uniform_int_distribution<std::size_t>{0, places.size()}(random);
    REQUIRE(positions_of(read_stream(store, id, from + 1)) ==
            positions(places.begin() + static_cast<std::ptrdiff_t>(from), places.end()));
  }
}

}  // namespace

TEST_CASE("streams are read as they were appended, across folds and reopening at every step") {
  const std::uint64_t fold_events = GENERATE(0, 1, 2, 3, 7, 1000);
  const unsigned seed = GENERATE(1u, 2u, 3u);
  INFO("fold_events " << fold_events << ", seed " << seed);
  std::mt19937 random{seed};
  const auto pick = [&](int most) { return std::uniform_int_distribution<int>{0, most}(random); };
  const temporary_directory directory;
  const lmdb_options options{.path = directory.path(), .mode = durability::relaxed, .fold_events = fold_events};

  model expected;
  std::uint64_t head = 0;
  for (int step = 0; step < 25; ++step) {
    INFO("step " << step);
    const auto store = open_lmdb(options).value().journal;
    check_against(*store, expected, head, random);
    for (int batches = pick(2); batches >= 0; --batches) {
      std::vector<std::shared_ptr<stream_write>> writes;
      for (int n = pick(4); n > 0; --n) {
        const auto id = "s|" + std::string(static_cast<std::size_t>(pick(3) + 1), 'x');
        const auto events = static_cast<std::size_t>(pick(2) + 1);
        const bool refused = pick(5) == 0;
        writes.push_back(write_of(id, events, refused ? expected_version::exactly(9999) : expected_version::any()));
        for (std::size_t i = 0; i < events && !refused; ++i) expected[id].push_back(++head);
      }
      append_all(*store, writes);
      check_against(*store, expected, head, random);
    }
  }
}

TEST_CASE("the index holds one entry for each stream and fold") {
  const temporary_directory directory;
  {
    const auto store = open_lmdb({.path = directory.path(), .fold_events = 100}).value().journal;
    for (int i = 0; i < 250; ++i) append_all(*store, {write_of(i % 2 == 0 ? "a|1" : "a|2")});
  }
  with_raw_table(directory.path() / "journal", "streams", 0, [](MDB_txn* txn, MDB_dbi dbi) {
    MDB_stat stat{};
    mdb_stat(txn, dbi, &stat);
    CHECK(stat.ms_entries == 4);
  });
  with_raw_table(directory.path() / "journal", "meta", 0, [](MDB_txn* txn, MDB_dbi dbi) {
    std::string name = "folded_to";
    MDB_val key{name.size(), name.data()};
    MDB_val value{};
    REQUIRE(mdb_get(txn, dbi, &key, &value) == 0);
    CHECK(std::string(static_cast<const char*>(value.mv_data), value.mv_size) == std::string("\xc8\0\0\0\0\0\0\0", 8));
  });
}

TEST_CASE("a map that is full fails the batch as a whole and leaves the store usable") {
  const temporary_directory directory;
  const lmdb_options small{.path = directory.path(), .map_bytes = 1 << 20, .fold_events = 50};
  std::uint64_t head = 0;
  {
    const auto store = open_lmdb(small).value();
    for (;;) {
      auto write = write_of("order|1", 20);
      for (auto& event : write->events) event.payload.assign(1000, 'x');
      const auto appended = append_and_wait(*store.journal, {{write, write_of("order|2")}, {{"c", head + 21}}});
      if (!appended) {
        CHECK(appended.error().code() == errc::full);
        CHECK(appended.error().message().find("map_bytes") != std::string::npos);
        break;
      }
      head += 21;
    }
    REQUIRE(head > 100);
    CHECK(store.journal->head().value() == head);
    CHECK(store.journal->load_checkpoint("c").value() == head);
    CHECK(store.journal->stream_version("order|1").value() == head / 21 * 20);
    CHECK(read_stream(*store.journal, "order|2").size() == head / 21);
    CHECK(read_all(*store.journal).size() == head);
    const auto rows = store.read_models->commit("big", {{"row", std::string(2 << 20, 'x')}}, 1);
    REQUIRE_FALSE(rows);
    CHECK(rows.error().code() == errc::full);
    CHECK(store.read_models->snapshot("big").value()->position() == 0);
    CHECK(store.read_models->commit("big", {{"row", "x"}}, 1));
  }
  const auto larger = open_lmdb({.path = directory.path(), .fold_events = 50}).value();
  CHECK(read_all(*larger.journal).size() == head);
  append_one(*larger.journal, write_of("order|1", 100)).value();
  CHECK(larger.journal->stream_version("order|1").value() == head / 21 * 20 + 100);
}

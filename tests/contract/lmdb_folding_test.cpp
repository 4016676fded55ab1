// The index of streams against a model that cannot be wrong: whatever was folded when, reading a stream gives what was
// appended to it, and opening again changes nothing.
#include <algorithm>
#include <map>
#include <random>

#include "lmdb_support.hpp"
#include "raw_index.hpp"
#include "support/catch.hpp"

using namespace tyto;
using namespace tyto::test;

namespace {

using model = std::map<std::string, positions>;

void check_against(const event_store& store, const model& expected, std::uint64_t head, std::mt19937& random) {
  REQUIRE(store.head().value() == head);
  REQUIRE(read_all(store).size() == head);
  for (const auto& [id, places] : expected) {
    INFO(id);
    REQUIRE(store.info(id).value().version == places.size());
    REQUIRE(positions_of(read_stream(store, id)) == places);
    const auto from = std::uniform_int_distribution<std::size_t>{0, places.size()}(random);
    REQUIRE(positions_of(read_stream(store, id, from + 1)) ==
            positions(places.begin() + static_cast<std::ptrdiff_t>(from), places.end()));
  }
}

}  // namespace

TEST_CASE("Streams are read as they were appended, across folds and reopening at every step") {
  const std::uint64_t fold_events = GENERATE(0, 1, 2, 3, 7, 20, 1000);
  const unsigned seed = GENERATE(1u, 2u, 3u);
  INFO("fold_events " << fold_events << ", seed " << seed);
  std::mt19937 random{seed};
  const auto pick = [&](int most) { return std::uniform_int_distribution<int>{0, most}(random); };
  const temporary_directory directory;
  lmdb_options options{.path = directory.path(), .mode = durability::relaxed, .fold_events = fold_events};

  model expected;
  std::uint64_t head = 0;
  for (int step = 0; step < 25; ++step) {
    INFO("step " << step);
    const auto store = open_lmdb(options).value().journal;
    options.read_only = true;
    const auto reader = open_lmdb(options).value().journal;  // shares the files, has a tail of its own
    options.read_only = false;
    check_against(*store, expected, head, random);
    check_against(*reader, expected, head, random);
    for (int batches = pick(4); batches >= 0; --batches) {
      std::vector<std::shared_ptr<stream_write>> writes;
      for (int n = pick(4); n > 0; --n) {
        const auto id = "s|" + std::string(static_cast<std::size_t>(pick(9) + 1), 'x');
        const auto events = static_cast<std::size_t>(pick(2) + 1);
        const bool refused = pick(5) == 0;
        writes.push_back(write_of(id, events, refused ? expected_version::exactly(9999) : expected_version::any()));
        for (std::size_t i = 0; i < events && !refused; ++i) expected[id].push_back(++head);
      }
      append_all(*store, writes);
      check_against(*store, expected, head, random);
      if (pick(2) == 0) check_against(*reader, expected, head, random);
    }
  }
}

namespace {

// Forty streams in one batch fill a generation of forty; an append of one event then folds a few of them.
void leave_a_fold_half_done(const std::filesystem::path& path) {
  const auto store = open_lmdb({.path = path, .fold_events = 40}).value().journal;
  std::vector<std::shared_ptr<stream_write>> writes;
  for (int i = 10; i < 50; ++i) writes.push_back(write_of("s|" + std::to_string(i)));
  append_all(*store, writes);
  append_all(*store, {write_of("s|10")});
}

}  // namespace

std::size_t entries_being_written(const std::filesystem::path& journal) {
  std::size_t entries = 0;
  for (const auto& run : raw_runs(journal)) {
    if (run.is_complete) continue;
    for (const auto& [key, value] : raw_table(journal, run.table)) entries += is_entry_key(key) ? 1 : 0;
  }
  return entries;
}

TEST_CASE("An append folds a part, which counts when all is there") {
  const temporary_directory directory;
  const auto journal = directory.path() / "journal";
  leave_a_fold_half_done(directory.path());
  CHECK(raw_folded_to(journal) == 0);
  CHECK(entries_being_written(journal) > 0);
  CHECK(entries_being_written(journal) < 10);
  {
    const auto store = open_lmdb({.path = directory.path(), .fold_events = 40}).value().journal;
    for (int i = 0; i < 30; ++i) append_all(*store, {write_of("s|11")});
  }
  CHECK(raw_folded_to(journal) == 41);
  CHECK(entries_being_written(journal) == 0);
  CHECK(raw_entries(journal).size() == 40);
  CHECK(raw_entry_of(journal, "s|10").places == positions{1, 41});
  CHECK(raw_entry_of(journal, "s|11").places == positions{2});
}

TEST_CASE("What has been folded half misleads nobody") {
  const temporary_directory directory;
  leave_a_fold_half_done(directory.path());
  const bool read_only = GENERATE(true, false);
  SECTION("not those who read") {}
  SECTION("not those who index a damaged event") {
    change_record(directory.path(), 1, [](std::string& bytes) { bytes.back() ^= 1; });
  }
  const auto store = open_lmdb({.path = directory.path(), .read_only = read_only, .fold_events = 40}).value().journal;
  CHECK(store->info("s|10").value().version == 2);
  CHECK(positions_of(read_stream(*store, "s|10", 2)) == positions{41});
  for (int i = 11; i < 50; ++i) {
    const auto id = "s|" + std::to_string(i);
    CHECK(store->info(id).value().version == 1);
    CHECK(positions_of(read_stream(*store, id)) == positions{static_cast<std::uint64_t>(i - 9)});
  }
}

TEST_CASE("A fold ends before the next one is due, however large the batches") {
  const std::size_t batch = GENERATE(1, 3, 50, 99, 100, 500);
  const temporary_directory directory;
  const lmdb_options options{.path = directory.path(), .mode = durability::relaxed, .fold_events = 100};
  const auto store = open_lmdb(options).value().journal;
  for (std::size_t head = 0; head < 1000;) {
    std::vector<std::shared_ptr<stream_write>> writes;
    for (std::size_t i = 0; i < batch; ++i) writes.push_back(write_of("s|" + std::to_string(head++ * 7 % 300)));
    append_all(*store, writes);
    const std::filesystem::path copy = directory.path() / "copy";
    std::filesystem::remove_all(copy);
    std::filesystem::create_directories(copy / "journal");
    std::filesystem::copy_file(directory.path() / "journal" / "data.mdb", copy / "journal" / "data.mdb");
    REQUIRE(raw_folded_to(copy / "journal") + 2 * 100 + 2 * batch > head);
  }
}

TEST_CASE("A tail that short-lived processes have let grow is folded at once") {
  const temporary_directory directory;
  for (int i = 0; i < 60; ++i) {
    const auto store =
        open_lmdb({.path = directory.path(), .mode = durability::relaxed, .fold_events = 10}).value().journal;
    append_all(*store, {write_of("s|" + std::to_string(i))});
  }
  CHECK(raw_folded_to(directory.path() / "journal") >= 40);
}

TEST_CASE("The index holds one entry for each stream and fold, and four folds become one run") {
  const temporary_directory directory;
  const auto journal = directory.path() / "journal";
  const auto append = [&](int events) {
    const auto store = open_lmdb({.path = directory.path(), .fold_events = 100}).value().journal;
    for (int i = 0; i < events; ++i) append_all(*store, {write_of(i % 2 == 0 ? "a|1" : "a|2")});
  };
  append(250);
  CHECK(raw_entries(journal).size() == 4);
  CHECK(raw_folded_to(journal) == 200);
  append(500);
  const auto runs = raw_runs(journal);
  CHECK(runs.front().level == 1);
  CHECK(runs.front().up_to == 400);
  CHECK(raw_entries(journal).size() == 2 + 2 * (runs.size() - 1));
  for (const auto& run : runs) {
    with_raw_table(journal, run.table.c_str(), 0, [](MDB_txn* txn, MDB_dbi dbi) {
      MDB_stat stat{};
      mdb_stat(txn, dbi, &stat);
      CHECK(stat.ms_overflow_pages == 0);
    });
  }
}

TEST_CASE("A merge goes on where it was, also when every process appends little") {
  const temporary_directory directory;
  std::map<std::string, positions> expected;
  std::uint64_t head = 0;
  for (int process = 0; process < 120; ++process) {
    const auto store =
        open_lmdb({.path = directory.path(), .mode = durability::relaxed, .fold_events = 8}).value().journal;
    for (int i = 0; i < 9; ++i) {
      const auto id = "s|" + std::to_string(head * 7 % 50);
      append_all(*store, {write_of(id)});
      expected[id].push_back(++head);
    }
  }
  const auto runs = raw_runs(directory.path() / "journal");
  CHECK(runs.size() < 16);
  CHECK(runs.front().level >= 2);
  const auto store = open_lmdb({.path = directory.path()}).value().journal;
  for (const auto& [id, places] : expected) CHECK(positions_of(read_stream(*store, id)) == places);
  CHECK(verify(directory.path()).value().is_sound());
}

TEST_CASE("A map that is full fails the batch as a whole and leaves the store usable") {
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
    CHECK(store.journal->info("order|1").value().version == head / 21 * 20);
    CHECK(read_stream(*store.journal, "order|2").size() == head / 21);
    CHECK(read_all(*store.journal).size() == head);
    const auto rows = store.read_models->commit("big", {{"row", std::string(2 << 20, 'x')}}, {1});
    REQUIRE_FALSE(rows);
    CHECK(rows.error().code() == errc::full);
    CHECK(store.read_models->snapshot("big").value()->position() == 0);
    CHECK(store.read_models->commit("big", {{"row", "x"}}, {1}));
  }
  const auto larger = open_lmdb({.path = directory.path(), .fold_events = 50}).value();
  CHECK(read_all(*larger.journal).size() == head);
  append_one(*larger.journal, write_of("order|1", 100)).value();
  CHECK(larger.journal->info("order|1").value().version == head / 21 * 20 + 100);
}

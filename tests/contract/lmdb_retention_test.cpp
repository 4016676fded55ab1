// What is kept of streams, and their snapshots, as they lie in LMDB: they survive, damage to them is found and stops
// nobody else, and journals from before there were any are read and written.

#include "lmdb_support.hpp"
#include "support/catch.hpp"

using namespace tyto;
using namespace tyto::test;

namespace {

using action = retention::action;

// Ten events of each of four streams, taking turns: one closed, one truncated, one deleted, one as it was.
void write_forty(const std::filesystem::path& path, std::uint64_t fold_events) {
  const auto store = open_lmdb({.path = path, .fold_events = fold_events}).value().journal;
  for (int i = 0; i < 10; ++i) {
    append_all(*store, {write_of("order|1"), write_of("order|2"), write_of("order|3"), write_of("order|4")});
  }
  change(*store, "order|1", action::close).value();
  change(*store, "order|2", action::truncate, 8, "seven").value();
  change(*store, "order|3", action::remove).value();
}

void change_row(const std::filesystem::path& store, const std::string& stream,
                const std::function<void(std::string&)>& change_bytes) {
  with_raw_table(store / "journal", "retention", 0, [&](MDB_txn* txn, MDB_dbi dbi) {
    MDB_val key{stream.size(), const_cast<char*>(stream.data())};
    MDB_val value{};
    REQUIRE(mdb_get(txn, dbi, &key, &value) == 0);
    std::string bytes{static_cast<const char*>(value.mv_data), value.mv_size};
    change_bytes(bytes);
    value = {bytes.size(), bytes.data()};
    REQUIRE(mdb_put(txn, dbi, &key, &value, 0) == 0);
  });
}

}  // namespace

TEST_CASE("What is kept of streams survives opening again, here, for reading only, and in another process") {
  const std::uint64_t fold_events = GENERATE(3, 1000);
  const temporary_directory directory;
  write_forty(directory.path(), fold_events);
  for (const bool read_only : {true, false}) {
    const auto store =
        open_lmdb({.path = directory.path(), .read_only = read_only, .fold_events = fold_events}).value().journal;
    CHECK(store->info("order|1").value().state == stream_state::closed);
    CHECK(store->info("order|2").value().first == 8);
    CHECK(store->info("order|2").value().base == "seven");
    CHECK(numbers_of(read_stream(*store, "order|2")) == std::vector<std::uint64_t>{8, 9, 10});
    CHECK(store->info("order|3").value().state == stream_state::deleted);
    CHECK(read_stream(*store, "order|3").empty());
    CHECK(read_all(*store).size() == 23);
    if (read_only) continue;
    CHECK(append_one(*store, write_of("order|1")).error().code() == errc::closed);
    CHECK(append_one(*store, write_of("order|3")).error().code() == errc::closed);
    CHECK(append_one(*store, write_of("order|2", 1, expected_version::exactly(10))));
  }
  const auto list = [&](const char* stream) { return run_store_program("list", directory.path(), stream); };
  CHECK(list("order|1") == "state 1 base '' events 1 2 3 4 5 6 7 8 9 10\nversion 10 head 41\n");
  CHECK(list("order|2") == "state 0 base 'seven' events 8 9 10 11\nversion 11 head 41\n");
  CHECK(list("order|3") == "state 2 base '' events\nversion 10 head 41\n");
}

TEST_CASE("A reader sees at once what another handle closes, truncates and deletes") {
  const temporary_directory directory;
  const auto writer = open_lmdb({.path = directory.path(), .fold_events = 3}).value().journal;
  const auto reader = open_lmdb({.path = directory.path(), .read_only = true, .fold_events = 3}).value().journal;
  append_all(*writer, {write_of("order|1", 5), write_of("order|2", 2)});
  CHECK(reader->info("order|1").value().state == stream_state::open);
  change(*writer, "order|1", action::truncate, 4).value();
  CHECK(numbers_of(read_stream(*reader, "order|1")) == std::vector<std::uint64_t>{4, 5});
  CHECK(positions_of(read_all(*reader)) == positions{4, 5, 6, 7});
  change(*writer, "order|1", action::close).value();
  CHECK(reader->info("order|1").value().state == stream_state::closed);
  change(*writer, "order|1", action::remove).value();
  CHECK(positions_of(read_all(*reader)) == positions{6, 7});
  CHECK(reader->head().value() == 7);
}

TEST_CASE("Every damaged byte of what is known of a stream is found and named, and other streams are still read") {
  const temporary_directory directory;
  write_forty(directory.path(), 3);
  std::string whole;
  change_row(directory.path(), "order|2", [&](std::string& bytes) { whole = bytes; });
  REQUIRE(whole.size() == 32 + 5);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    INFO("byte " << i);
    change_row(directory.path(), "order|2", [i](std::string& bytes) { bytes[i] ^= 0x10; });
    {
      const auto store = open_lmdb({.path = directory.path(), .read_only = i % 2 == 0}).value().journal;
      std::vector<seen_event> seen;
      for (const auto& failed :
           {store->info("order|2").error(), store->read_stream("order|2", 1, collect(seen)).error(),
            store->read_all({}, collect(seen)).error()}) {
        REQUIRE(failed.code() == errc::damaged);
        REQUIRE(failed.message().find("order|2") != std::string::npos);
      }
      REQUIRE(positions_of(seen) == positions{1});
      REQUIRE(read_stream(*store, "order|1").size() == 10);
      REQUIRE(store->info("order|3").value().state == stream_state::deleted);
      REQUIRE(read_stream(*store, "order|4").size() == 10);
    }
    change_row(directory.path(), "order|2", [&](std::string& bytes) { bytes = whole; });
  }
  for (std::size_t size = 0; size < whole.size(); ++size) {
    change_row(directory.path(), "order|2", [&](std::string& bytes) { bytes = whole.substr(0, size); });
    const auto store = open_lmdb({.path = directory.path(), .read_only = true}).value().journal;
    REQUIRE(store->info("order|2").error().code() == errc::damaged);
  }
}

TEST_CASE("Appending to a stream of which the row is damaged fails the batch and stores nothing; others go on") {
  const temporary_directory directory;
  write_forty(directory.path(), 3);
  change_row(directory.path(), "order|2", [](std::string& bytes) { bytes.back() ^= 1; });
  const auto store = open_lmdb({.path = directory.path()}).value().journal;
  const auto refused = append_and_wait(*store, {{write_of("order|4"), write_of("order|2")}, {}});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == errc::damaged);
  CHECK(refused.error().message().find("order|2") != std::string::npos);
  CHECK(store->head().value() == 40);
  CHECK(append_one(*store, write_of("order|4")));
}

TEST_CASE("A row that lies under another stream's name is damage") {
  const temporary_directory directory;
  write_forty(directory.path(), 3);
  std::string row;
  change_row(directory.path(), "order|2", [&](std::string& bytes) { row = bytes; });
  put_raw(directory.path() / "journal", "retention", "order|4", row);
  const auto store = open_lmdb({.path = directory.path(), .read_only = true}).value().journal;
  CHECK(store->info("order|4").error().code() == errc::damaged);
  CHECK(store->info("order|2").value().first == 8);
}

TEST_CASE("A journal from before anything could be removed is read and written, and can be compacted") {
  const temporary_directory directory;
  run_store_program("append", directory.path(), "order|1", 4);
  for (const char* table : {"retention", "removed"}) {
    with_raw_table(directory.path() / "journal", table, 0, [](MDB_txn* txn, MDB_dbi dbi) {
      constexpr int and_forget_it = 1;
      REQUIRE(mdb_drop(txn, dbi, and_forget_it) == 0);
    });
  }
  {
    const auto reader = open_lmdb({.path = directory.path(), .read_only = true}).value().journal;
    CHECK(read_all(*reader).size() == 4);
    CHECK(reader->head().value() == 4);
    CHECK(reader->info("order|1").value().state == stream_state::open);
  }
  const auto store = open_lmdb({.path = directory.path()}).value();
  append_one(*store.journal, change_of("order|1", action::truncate, 3, "two", 1)).value();
  compact(store).value();
  CHECK(numbers_of(read_stream(*store.journal, "order|1")) == std::vector<std::uint64_t>{3, 4, 5});
}

TEST_CASE("A damaged snapshot is named, and the older ones are still delivered") {
  const temporary_directory directory;
  {
    const auto store = open_lmdb({.path = directory.path()}).value();
    store.snapshots->save({{"order|1", 10, "ten", 9}, {"order|1", 20, "twenty", 9}, {"order|2", 20, "other", 9}})
        .value();
  }
  const std::string key("order|1\0\0\0\0\0\0\0\0\x14", 16);
  const auto change_snapshot = [&](const std::function<void(std::string&)>& change_bytes) {
    with_raw_table(directory.path() / "read_models", "snapshots", 0, [&](MDB_txn* txn, MDB_dbi dbi) {
      MDB_val k{key.size(), const_cast<char*>(key.data())};
      MDB_val value{};
      REQUIRE(mdb_get(txn, dbi, &k, &value) == 0);
      std::string bytes{static_cast<const char*>(value.mv_data), value.mv_size};
      change_bytes(bytes);
      value = {bytes.size(), bytes.data()};
      REQUIRE(mdb_put(txn, dbi, &k, &value, 0) == 0);
    });
  };
  const auto check_latest_is_damaged = [&] {
    const auto store = open_lmdb({.path = directory.path(), .read_only = true}).value().snapshots;
    std::vector<std::pair<std::uint64_t, std::string>> seen;
    store
        ->load("order|1",
               [&](std::uint64_t number, const result<std::string_view>& image) {
                 if (!image) {
                   REQUIRE(image.error().code() == errc::damaged);
                   REQUIRE(image.error().message().find("order|1") != std::string::npos);
                 }
                 seen.emplace_back(number, image ? std::string{*image} : "damaged");
                 return visit::next;
               })
        .value();
    REQUIRE(seen == std::vector<std::pair<std::uint64_t, std::string>>{{20, "damaged"}, {10, "ten"}});
  };
  std::string whole;
  change_snapshot([&](std::string& bytes) { whole = bytes; });
  REQUIRE(whole.size() == 8 + 6);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    change_snapshot([&](std::string& bytes) {
      bytes = whole;
      bytes[i] ^= 1;
    });
    check_latest_is_damaged();
  }
  for (std::size_t size = 0; size < whole.size(); ++size) {
    change_snapshot([&](std::string& bytes) { bytes = whole.substr(0, size); });
    check_latest_is_damaged();
  }
}

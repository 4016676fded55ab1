// Damage in a journal's files is found, named, and stops nothing but what needs the damaged part.

#include "lmdb_support.hpp"
#include "raw_index.hpp"
#include "support/catch.hpp"

using namespace tyto;
using namespace tyto::test;

namespace {

// Ten events of two streams, alternating, of which a fold of eight is complete: order|1 has the odd positions.
void write_ten_events(const std::filesystem::path& path, std::uint64_t fold_events) {
  auto store = open_lmdb({.path = path, .fold_events = fold_events}).value();
  for (int i = 0; i < 5; ++i) {
    for (const char* id : {"order|1", "order|2"}) {
      auto write = write_of(id);
      write->events[0].meta.type = "order.created";
      write->events[0].payload = "\x81\xa1x\xa5hello";
      append_one(*store.journal, write).value();
    }
  }
}

void check_seventh_is_damaged(const event_store& store, const std::string& where) {
  std::vector<seen_event> seen;
  const auto read = store.read_stream("order|1", 1, collect(seen));
  REQUIRE_FALSE(read);
  CHECK(read.error().code() == errc::damaged);
  CHECK(read.error().doing() == where);
  CHECK(positions_of(seen) == positions{1, 3, 5});

  seen.clear();
  CHECK(store.read_all({}, collect(seen)).error().code() == errc::damaged);
  CHECK(seen.size() == 6);
  CHECK(store.read_all({.only = {{}, {"invoice"}}}, collect(seen)).error().code() == errc::damaged);
  CHECK(positions_of(read_all(store, 8)) == positions{8, 9, 10});
  CHECK(positions_of(read_stream(store, "order|2")) == positions{2, 4, 6, 8, 10});
  CHECK(positions_of(read_stream(store, "order|1", 5)) == positions{9});
  CHECK(store.info("order|1").value().version == 5);
}

}  // namespace

TEST_CASE("A damaged event is named with position, stream and type, and all others are still read") {
  const std::uint64_t fold_events = GENERATE(8, 100);  // in the index on disk, and in the journal's tail
  const bool read_only = GENERATE(false, true);
  const temporary_directory directory;
  write_ten_events(directory.path(), fold_events);
  change_record(directory.path(), 7, [](std::string& bytes) { bytes.back() ^= 1; });

  const auto store =
      open_lmdb({.path = directory.path(), .read_only = read_only, .fold_events = fold_events}).value().journal;
  check_seventh_is_damaged(*store, "reading the event at position 7 (order|1, order.created)");
  if (read_only) return;
  append_one(*store, write_of("order|1", 1, expected_version::exactly(5))).value();
  CHECK(store->info("order|1").value().version == 6);
}

TEST_CASE("Every single flipped byte of a record is found") {
  const temporary_directory directory;
  write_ten_events(directory.path(), 8);
  std::size_t size = 0;
  change_record(directory.path(), 7, [&](std::string& bytes) { size = bytes.size(); });
  REQUIRE(size > 64);
  for (std::size_t i = 0; i < size; ++i) {
    INFO("byte " << i);
    change_record(directory.path(), 7, [i](std::string& bytes) { bytes[i] ^= 0x40; });
    {
      const auto store = open_lmdb({.path = directory.path(), .read_only = true}).value().journal;
      const auto read = store->read_all({.from = 7}, [](const event_view&) { return visit::next; });
      REQUIRE_FALSE(read);
      CHECK(read.error().code() == errc::damaged);
      CHECK(read.error().doing().find("position 7") != std::string::npos);
    }
    change_record(directory.path(), 7, [i](std::string& bytes) { bytes[i] ^= 0x40; });
  }
}

TEST_CASE("A record that lies under another's position is found") {
  const temporary_directory directory;
  write_ten_events(directory.path(), 8);
  std::string fifth;
  change_record(directory.path(), 5, [&](std::string& bytes) { fifth = bytes; });
  change_record(directory.path(), 7, [&](std::string& bytes) { bytes = fifth; });
  const auto store = open_lmdb({.path = directory.path()}).value().journal;
  check_seventh_is_damaged(*store, "reading the event at position 7 (order|1, order.created)");
}

TEST_CASE("A record cut to any length is found") {
  const temporary_directory directory;
  write_ten_events(directory.path(), 8);
  std::string whole;
  change_record(directory.path(), 7, [&](std::string& bytes) { whole = bytes; });
  for (std::size_t size = 0; size < whole.size(); ++size) {
    change_record(directory.path(), 7, [&](std::string& bytes) { bytes = whole.substr(0, size); });
    const auto store = open_lmdb({.path = directory.path(), .read_only = true}).value().journal;
    CHECK(store->read_all({.from = 7}, [](const event_view&) { return visit::next; }).error().code() == errc::damaged);
  }
}

TEST_CASE("A missing event is named by readers of the journal and of its stream") {
  const temporary_directory directory;
  write_ten_events(directory.path(), 8);
  with_raw_table(directory.path() / "journal", "events", MDB_INTEGERKEY, [](MDB_txn* txn, MDB_dbi dbi) {
    std::uint64_t position = 7;
    MDB_val key{sizeof position, &position};
    REQUIRE(mdb_del(txn, dbi, &key, nullptr) == 0);
  });
  const auto store = open_lmdb({.path = directory.path()}).value().journal;
  check_seventh_is_damaged(*store, "reading the event at position 7");
}

TEST_CASE(
    "A damaged event that could belong to any stream stops writers, and readers of streams, but not of the journal") {
  const temporary_directory directory;
  write_ten_events(directory.path(), 100);
  // The stream's name (after 64 bytes of header and the type) becomes another's.
  change_record(directory.path(), 7, [](std::string& bytes) { bytes[64 + 13 + 6] = '9'; });
  const auto refused = open_lmdb({.path = directory.path()});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == errc::damaged);
  CHECK(refused.error().message().find("position 7") != std::string::npos);

  const auto store = open_lmdb({.path = directory.path(), .read_only = true}).value().journal;
  CHECK(store->info("order|1").error().code() == errc::damaged);
  CHECK(positions_of(read_all(*store, 8)) == positions{8, 9, 10});
}

TEST_CASE("An index entry that does not fit its stream is damage") {
  const temporary_directory directory;
  write_ten_events(directory.path(), 8);
  const auto journal = directory.path() / "journal";
  const auto entry = raw_entry_of(journal, "order|1");
  const auto value = GENERATE(as<std::string>{}, "\1\2", "\1\x63", "\2\1\2", "\2\1", "\1\1\1", "abc");
  put_raw(journal, entry.table.c_str(), entry.key, with_entry_seal(entry.key, value));
  const auto store = open_lmdb({.path = directory.path()}).value().journal;
  const auto read = store->read_stream("order|1", 1, [](const event_view&) { return visit::next; });
  REQUIRE_FALSE(read);
  CHECK(read.error().code() == errc::damaged);
}

TEST_CASE("A damaged entry of the index, of its filter or of its catalog never leads to a wrong answer, and is found") {
  const temporary_directory directory;
  const auto journal = directory.path() / "journal";
  {
    const auto store = open_lmdb({.path = directory.path(), .fold_events = 16}).value();
    for (int round = 0; round < 6; ++round) {
      for (int i = 0; i < 20; ++i) append_one(*store.journal, write_of("order|" + std::to_string(i))).value();
    }
  }
  auto runs = raw_runs(journal);
  std::erase_if(runs, [](const raw_run& each) { return !each.is_complete; });
  REQUIRE(runs.size() >= 3);
  const std::size_t which = runs.size() - 1 - GENERATE(0u, 1u, 2u);
  const auto content = raw_table(journal, runs[which].table);
  const auto flip = [&](const char* table, const std::string& key, std::string value, std::size_t byte) {
    value.at(byte) ^= 4;
    put_raw(journal, table, key, value);
  };
  const auto at = [&](std::size_t n) { return std::next(content.begin(), static_cast<std::ptrdiff_t>(n)); };
  SECTION("an entry") {
    const auto entry = at(content.size() - 1 - GENERATE(0u, 1u, 5u));
    flip(runs[which].table.c_str(), entry->first, entry->second, GENERATE(0u, 1u, 3u));
  }
  SECTION("the key of an entry") {
    const auto entry = at(content.size() - 1 - GENERATE(0u, 1u, 5u));
    auto key = entry->first;
    key[GENERATE(7u, 10u, 15u)] ^= 2;  // so that it stays where it is
    erase_raw(journal, runs[which].table.c_str(), entry->first);
    put_raw(journal, runs[which].table.c_str(), key, entry->second);
  }
  SECTION("a piece of a filter") {
    const auto piece = at(1);
    REQUIRE(piece->first.size() == 8);
    flip(runs[which].table.c_str(), piece->first, piece->second, GENERATE(0u, 20u, 60u));
  }
  SECTION("a piece of a filter that is missing") {
    erase_raw(journal, runs[which].table.c_str(), std::string(8, '\0'));
  }
  SECTION("the head of a run") { flip(runs[which].table.c_str(), std::string(1, '\0'), content.begin()->second, 3); }
  SECTION("a row of the catalog") {
    flip("meta", "runs", raw_value(journal, "meta", "runs"), 24 * which + GENERATE(0u, 1u, 2u, 5u, 9u, 17u));
  }
  SECTION("a run that is empty") {
    with_raw_table(journal, runs[which].table.c_str(), 0, [](MDB_txn* txn, MDB_dbi dbi) { mdb_drop(txn, dbi, 0); });
  }
  CHECK_FALSE(verify(directory.path()).value().is_sound());
  for (const bool read_only : {true, false}) {
    const auto opened = open_lmdb({.path = directory.path(), .read_only = read_only});
    if (!opened) {
      CHECK(opened.error().code() == errc::damaged);
      continue;
    }
    for (int i = 0; i < 20; ++i) {
      const auto id = "order|" + std::to_string(i);
      const auto version = opened->journal->info(id);
      CHECK((version ? version->version == 6 : version.error().code() == errc::damaged));
      std::vector<seen_event> seen;
      const auto read = opened->journal->read_stream(id, 1, collect(seen));
      CHECK((read ? seen.size() == 6 : read.error().code() == errc::damaged));
      if (read_only) continue;
      const auto write = write_of(id, 1, expected_version::exactly(6));
      const auto appended = append_and_wait(*opened->journal, {{write}, {}});
      CHECK((appended ? appended->front().has_value() : appended.error().code() == errc::damaged));
    }
  }
}

TEST_CASE("A record of a newer format is refused as such") {
  const temporary_directory directory;
  write_ten_events(directory.path(), 8);
  change_record(directory.path(), 7, [](std::string& bytes) {
    bytes[8] = 2;
    bytes.replace(0, 8, test_checksum(bytes, 7));
  });
  const auto store = open_lmdb({.path = directory.path()}).value().journal;
  CHECK(store->read_all({.from = 7}, [](const event_view&) { return visit::next; }).error().code() ==
        errc::newer_format);
}

TEST_CASE("A journal file that was cut off is damaged, whatever is left of it") {
  const temporary_directory directory;
  write_ten_events(directory.path(), 3);
  const auto data = directory.path() / "journal" / "data.mdb";
  const auto size = std::filesystem::file_size(data);
  for (auto left = size - 1; left > 8192; left -= std::min<std::uintmax_t>(left - 8192, 3000)) {
    INFO(left << " bytes are left of " << size);
    std::filesystem::resize_file(data, left);
    for (const bool read_only : {false, true}) {
      const auto refused = open_lmdb({.path = directory.path(), .read_only = read_only});
      REQUIRE_FALSE(refused);
      CHECK(refused.error().code() == errc::damaged);
    }
  }
  for (const std::uintmax_t left : {8192, 5000, 4096, 100, 10, 0}) {
    INFO(left << " bytes are left of " << size);
    std::filesystem::resize_file(data, left);
    const auto refused = open_lmdb({.path = directory.path()});
    REQUIRE_FALSE(refused);
    CHECK((refused.error().code() == errc::damaged || refused.error().code() == errc::foreign));
    CHECK(std::filesystem::file_size(data) == left);
  }
}

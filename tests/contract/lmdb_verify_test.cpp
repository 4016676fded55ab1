// verify() names what is damaged, in the pages and in what they hold, and finds nothing in a journal that is whole.

#include <atomic>
#include <thread>

#include "lmdb_support.hpp"
#include "raw_index.hpp"
#include "support/catch.hpp"

using namespace tyto;
using namespace tyto::test;

namespace {

// Two streams in turn, with decisions of two events, up to position 24; those up to 16 are folded.
void write_journal(const std::filesystem::path& path) {
  auto store = open_lmdb({.path = path, .fold_events = 16}).value();
  for (int i = 0; i < 6; ++i) {
    for (const char* id : {"order|1", "order|2"}) append_one(*store.journal, write_of(id, 2)).value();
  }
  append_and_wait(*store.journal, {{}, {{"billing", 12}, {"billing#0/2", 3}, {"billing#", 2}}}).value();
  change(*store.journal, "order|2", retention::action::truncate, 3, "base").value();
  store.read_models->commit("orders", {{"1", "row"}}, {12}).value();
  store.snapshots->save({{"order|1", 4, "image", 1}}).value();
}

void erase_raw(const std::filesystem::path& environment, const char* table, unsigned flags, std::string key) {
  with_raw_table(environment, table, flags, [&](MDB_txn* txn, MDB_dbi dbi) {
    MDB_val k{key.size(), key.data()};
    REQUIRE(mdb_del(txn, dbi, &k, nullptr) == 0);
  });
}

std::string stored(std::uint64_t number) { return {reinterpret_cast<const char*>(&number), sizeof number}; }

std::string index_key(std::string id, std::uint64_t number) {
  number = __builtin_bswap64(number);
  return id + '\0' + stored(number);
}

void check_finds(const std::filesystem::path& path, const std::string& expected) {
  const auto report = verify(path).value();
  std::string all;
  for (const auto& each : report.findings) all += each.message() + "\n";
  INFO(all);
  CHECK_FALSE(report.is_sound());
  CHECK(all.find(expected) != std::string::npos);
  for (const auto& each : report.findings) {
    CHECK_FALSE(each.file.empty());
    CHECK_FALSE(each.where.empty());
    CHECK_FALSE(each.what.empty());
    CHECK_FALSE(each.advice.empty());
  }
}

}  // namespace

TEST_CASE("A storage that is whole is counted, and nothing is found") {
  const temporary_directory directory;
  write_journal(directory.path());
  const auto report = verify(directory.path()).value();
  for (const auto& each : report.findings) UNSCOPED_INFO(each.message());
  CHECK(report.is_sound());
  CHECK(report.events == 24);
  CHECK(report.index_entries >= 2);
  CHECK(report.retained_streams == 1);
  CHECK(report.checkpoints == 4);
  CHECK(report.snapshots == 1);
  CHECK(report.journal.file == directory.path() / "journal" / "data.mdb");
  CHECK(report.journal.pages > 2);
  CHECK(report.journal.has_sound_pages);
  CHECK(report.read_models.pages > 2);
}

TEST_CASE("A compacted storage and a backup are whole") {
  const temporary_directory directory;
  const auto place = directory.path() / "storage";
  write_journal(place);
  {
    const auto store = open_lmdb({.path = place, .fold_events = 16}).value();
    change(*store.journal, "order|1", retention::action::truncate, 10).value();
    compact(store).value();
    append_one(*store.journal, write_of("order|1", 2)).value();
    backup(store, directory.path() / "copy").value();
    CHECK(verify(place).value().is_sound());  // also while it is open
  }
  CHECK(verify(place).value().is_sound());
  const auto copied = verify(directory.path() / "copy").value();
  CHECK(copied.is_sound());
  CHECK(copied.events == 15);
  CHECK(copied.read_models.pages == 0);
}

TEST_CASE("A storage to which events are being appended and projected is looked at as of one moment") {
  const temporary_directory directory;
  write_journal(directory.path());
  const auto store = open_lmdb({.path = directory.path(), .mode = durability::relaxed, .fold_events = 16}).value();
  std::atomic<bool> done = false;
  std::thread writer{[&] {
    for (int i = 0; !done; ++i) {
      append_one(*store.journal, write_of("order|" + std::to_string(i % 50), 3)).value();
      store.read_models->commit("orders", {{"1", "row"}}, {store.journal->head().value()}).value();
    }
  }};
  std::uint64_t events = 0;
  for (int i = 0; i < 50; ++i) {
    const auto report = verify(directory.path()).value();
    for (const auto& each : report.findings) UNSCOPED_INFO(each.message());
    CHECK(report.is_sound());
    CHECK(report.events >= events);
    events = report.events;
  }
  done = true;
  writer.join();
}

TEST_CASE("A page that is damaged is named with the table, and nothing is read through LMDB") {
  const temporary_directory directory;
  write_journal(directory.path());
  const auto part = GENERATE(std::string{"journal"}, std::string{"read_models"});
  const auto file = directory.path() / part / "data.mdb";
  auto bytes = read_file(file);
  // The first page after the meta pages that holds the key of an entry.
  const std::string key = part == "journal" ? "order|1" : "orders";
  const auto page = bytes.find(key) / 4096;
  REQUIRE(page >= 2);
  for (auto at = bytes.find(key); at != std::string::npos; at = bytes.find(key, at + 1)) bytes[at / 4096 * 4096] ^= 1;
  write_file(file, bytes);
  const auto report = verify(directory.path()).value();
  REQUIRE_FALSE(report.is_sound());
  CHECK(report.findings[0].file == file);
  CHECK(report.findings[0].message().find("page ") != std::string::npos);
  CHECK((part == "journal" ? report.journal : report.read_models).has_sound_pages == false);
  CHECK(report.events == (part == "journal" ? 0 : 24));
}

TEST_CASE("Findings beyond those that are listed are counted") {
  const temporary_directory directory;
  write_journal(directory.path());
  for (std::uint64_t position = 1; position <= 10; ++position) {
    change_record(directory.path(), position, [](std::string& bytes) { bytes.back() ^= 1; });
  }
  const auto report = verify(directory.path(), {.max_findings = 3}).value();
  CHECK(report.findings.size() == 3);
  CHECK(report.findings_left_out == 7);
  CHECK(report.events == 14);
}

TEST_CASE("What is wrong with an event is found") {
  const temporary_directory directory;
  const auto& path = directory.path();
  write_journal(path);
  SECTION("its checksum") {
    change_record(path, 7, [](std::string& bytes) { bytes.back() ^= 1; });
    check_finds(path, "reading the event at position 7 (order|2, test.happened)");
    CHECK(verify(path).value().findings.size() == 1);
  }
  SECTION("it is missing") {
    erase_raw(path / "journal", "events", MDB_INTEGERKEY, stored(7));
    check_finds(path, "reading the event at position 7: there are no events up to the one at position 8");
  }
  SECTION("the last one of its decision is missing") {
    erase_raw(path / "journal", "events", MDB_INTEGERKEY, stored(24));
    check_finds(path, "the events after it are missing");
  }
  SECTION("its decision is not that of the one before it") {
    change_record(path, 7, [](std::string& bytes) {
      bytes[32] = 1;  // the decision index
      bytes.replace(0, 8, test_checksum(bytes, 7));
    });
    check_finds(path, "reading the event at position 7: event 2 of 2 in its decision");
  }
}

TEST_CASE("What is wrong with the index of streams is found") {
  const temporary_directory directory;
  const auto& path = directory.path();
  const auto journal = path / "journal";
  write_journal(path);
  const auto entry = raw_entry_of(journal, "order|1");
  const auto* const table = entry.table.c_str();
  REQUIRE(entry.places == positions{1, 2, 5, 6, 9, 10, 13, 14});
  const auto put = [&](const std::string& key, const std::string& value) {
    put_raw(journal, table, key, with_entry_seal(key, value));
  };
  const std::string whole("\10\1\1\3\1\3\1\3\1", 9);
  SECTION("it names another stream's event") {
    put(entry.key, std::string("\10\1\3\1\1\3\1\3\1", 9));
    check_finds(path,
                "the index of the stream order|1: event 2 is said to lie at position 4, where event 2 of order|2 is");
  }
  SECTION("it does not name an event") {
    put(entry.key, whole.substr(0, 8).replace(0, 1, "\7"));
    check_finds(path, "order|1");
  }
  SECTION("it does not name a stream") {
    erase_raw(journal, table, 0, entry.key);
    check_finds(path, "the index of the stream order|1");
  }
  SECTION("a stream has another one's name") {
    erase_raw(journal, table, 0, entry.key);
    put(entry_key("order|0", 1), whole);
    check_finds(path,
                "the index of the stream order|0: event 1 is said to lie at position 1, where event 1 of order|1 is");
  }
  SECTION("an entry begins with another number") {
    erase_raw(journal, table, 0, entry.key);
    put(entry_key("order|1", 2), whole);
    check_finds(path, "its first entry begins with event 2");
  }
  SECTION("an entry follows that leaves a number out") {
    put(entry_key("order|1", 10), "\1\20");
    check_finds(path, "an entry begins with event 10 where 9 must come");
  }
  SECTION("an entry names what is not there") {
    put(entry.key, std::string("\10\1\1\3\1\3\1\3\126", 9));
    check_finds(path, "event 8 is said to lie at position 99");
  }
  SECTION("an entry has a form that is none of ours") {
    put(GENERATE(std::string{"order"}, entry_key("order", 1)), whole);
    check_finds(path, "an entry has a form that is none of ours");
  }
  SECTION("an entry has a wrong checksum") {
    put_raw(journal, table, entry.key, whole + "1234");
    check_finds(path, "the index of the stream order|1: the checksum of an entry is wrong");
  }
  SECTION("an entry has the wrong hash") {
    auto key = entry_key("order|1", 1);
    key[7] ^= 1;
    erase_raw(journal, table, 0, entry.key);
    put(key, whole);
    check_finds(path, "the index of the stream order|1: an entry has the wrong hash");
  }
  const std::string piece(8, '\0');
  SECTION("a piece of a filter has a wrong checksum") {
    put_raw(journal, table, piece, std::string(72, 'x'));
    check_finds(path, "the filter of run00, of the index of streams: 1 of its 1 pieces are missing or have a wrong");
  }
  SECTION("a filter hides a stream") {
    put_raw(journal, table, piece, with_seal(piece, std::string(64, '\0')));
    check_finds(path, "the filter of run00, of the index of streams: it hides the stream order|1");
  }
  SECTION("a run has the head of another one") {
    const std::string head(1, '\0');
    put_raw(journal, table, head, with_seal(head, stored(0) + stored(17)));
    check_finds(path, "reading the index of the positions 1 to 16: the table run00 does not hold it");
  }
}

TEST_CASE("What is wrong with the other tables is found") {
  const temporary_directory directory;
  const auto& path = directory.path();
  const auto journal = path / "journal";
  write_journal(path);
  SECTION("the index goes further than the journal") {
    auto runs = raw_value(journal, "meta", "runs");
    runs.replace(16, 8, stored(1000));
    put_raw(journal, "meta", "runs", with_seal("runs", runs.substr(0, 24)));
    check_finds(path, "how far the index of streams goes: it says 1000, but the journal ends at 24");
  }
  SECTION("which runs make up the index has a wrong checksum") {
    auto runs = raw_value(journal, "meta", "runs");
    runs[GENERATE(0u, 9u, 30u)] ^= 1;
    put_raw(journal, "meta", "runs", runs);
    check_finds(path, "reading which runs make up the index of streams");
  }
  SECTION("what is kept of a stream has the wrong checksum") {
    auto row = raw_value(journal, "retention", "order|2");
    row.back() ^= 1;
    put_raw(journal, "retention", "order|2", row);
    check_finds(path, "looking up what is kept of the stream order|2");
  }
  SECTION("a checkpoint lies beyond the end") {
    put_raw(journal, "checkpoints", "billing", stored(25));
    check_finds(path, "the checkpoint of billing: it is at position 25, but the journal ends at 24");
  }
  SECTION("events are said to have been removed that are there") {
    with_raw_table(journal, "removed", MDB_INTEGERKEY, [](MDB_txn* txn, MDB_dbi dbi) {
      std::uint64_t position = 5;
      std::uint64_t count = 2;
      MDB_val key{sizeof position, &position};
      MDB_val value{sizeof count, &count};
      REQUIRE(mdb_put(txn, dbi, &key, &value, 0) == 0);
    });
    check_finds(path, "position 5 was removed, but is there");
  }
  SECTION("there is a table of another name") {
    put_raw(journal, "stream", "key", "value");
    check_finds(path, "table stream: there is no table of this name");
  }
  SECTION("a read model is ahead of the journal") {
    put_raw(path / "read_models", "checkpoints", "orders", stored(25) + stored(0));
    check_finds(path, "the checkpoint of the read model orders: it is at position 25, but the journal ends at 24");
  }
  SECTION("a read model has no rows") {
    put_raw(path / "read_models", "checkpoints", "invoices", stored(1) + stored(0));
    check_finds(path, "the checkpoint of the read model invoices: its table of rows is missing");
  }
  SECTION("a snapshot has the wrong checksum") {
    put_raw(path / "read_models", "snapshots", index_key("order|1", 4), "01234567image");
    check_finds(path, "reading the snapshot of order|1 after event 4");
  }
  SECTION("the read models are those of another journal") {
    put_raw(path / "read_models", "meta", "journal_id", std::string(32, 'a'));
    check_finds(path, "read_models");
  }
}

TEST_CASE("A directory without a journal cannot be verified") {
  const temporary_directory directory;
  CHECK(verify(directory.path()).error().code() == errc::invalid_argument);
  CHECK(verify(directory.path() / "missing").error().code() == errc::invalid_argument);
  CHECK(list_files(directory.path()).empty());
}

TEST_CASE("A journal that lacks the end which was acknowledged is a finding") {
  const temporary_directory directory;
  const temporary_directory copy;
  const auto& path = directory.path();
  const auto journal = path / "journal";
  const auto append = [&](int events) {
    append_one(*open_lmdb({.path = path}).value().journal, write_of("order|1", events)).value();
  };
  SECTION("it has others") {
    append(2);
    std::filesystem::copy(journal, copy.path() / "journal");
    append(1);
    std::filesystem::remove_all(journal);
    std::filesystem::copy(copy.path() / "journal", journal);
    check_finds(path,
                "the end of the journal: the journal ends at position 2, but appends up to 3 have been acknowledged");
  }
  SECTION("it has no events") {
    append(3);
    for (std::uint64_t position = 1; position <= 3; ++position) {
      erase_raw(journal, "events", MDB_INTEGERKEY, stored(position));
    }
    check_finds(path,
                "the end of the journal: the journal ends at position 0, but appends up to 3 have been acknowledged");
  }
  const auto report = verify(path).value();
  REQUIRE(!report.findings.empty());
  CHECK(report.findings.back().file == journal / "data.mdb");
  CHECK(report.findings.back().advice.find((path / "journal.head").string()) != std::string::npos);
  std::filesystem::remove(path / "journal.head");
  for (const auto& each : verify(path).value().findings) CHECK(each.where != "the end of the journal");
}

TEST_CASE("A journal that is missing beside its read models is a finding") {
  const temporary_directory directory;
  write_journal(directory.path());
  std::filesystem::remove_all(directory.path() / "journal");
  check_finds(directory.path(), "the journal: it is missing or empty");
}

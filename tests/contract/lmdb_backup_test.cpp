// Backups: a copy that is made while events are appended is a storage of its own, and is there as a whole or not at
// all.
#include <sys/resource.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "lmdb_support.hpp"
#include "support/catch.hpp"

using namespace tyto;
using namespace tyto::test;

TEST_CASE("A backup holds the events, checkpoints and index, without the read models, and is written on") {
  const temporary_directory directory;
  const auto copy = directory.path() / "backups" / "monday";
  {
    const auto store = open_lmdb({.path = directory.path() / "store", .fold_events = 3}).value();
    for (int i = 0; i < 10; ++i) append_all(*store.journal, {write_of("order|1"), write_of("order|2")});
    append_and_wait(*store.journal, {{}, {{"billing", 7}}}).value();
    store.read_models->commit("m", {{"a", "1"}}, {20}).value();
    backup(store, copy).value();
    append_all(*store.journal, {write_of("order|1")});
  }
  CHECK(list_files(copy) == std::vector<std::string>{"journal", "journal/data.mdb"});
  const auto store = open_lmdb({.path = copy, .fold_events = 3}).value();
  CHECK(store.journal->head().value() == 20);
  CHECK(read_stream(*store.journal, "order|2").size() == 10);
  CHECK(store.journal->load_checkpoint("billing").value() == 7);
  CHECK(store.read_models->snapshot("m").value()->position() == 0);
  append_all(*store.journal, {write_of("order|1")});
  CHECK(store.journal->info("order|1").value().version == 11);
}

TEST_CASE("A backup beside a thread that appends is a prefix of whole batches") {
  const temporary_directory directory;
  const auto store =
      open_lmdb({.path = directory.path() / "store", .mode = durability::relaxed, .fold_events = 50}).value();
  std::atomic<std::uint64_t> appended = 0;
  std::atomic<bool> done = false;
  std::thread appender{[&] {
    for (int i = 0; !done; ++i) {
      append_all(*store.journal, {write_of("order|1", 2), write_of("order|" + std::to_string(i % 40 + 2), 3)});
      appended = appended + 5;
    }
  }};
  std::uint64_t wrong = 0;
  for (int i = 0; i < 10; ++i) {
    const auto before = appended.load();
    while (appended < before + 100) std::this_thread::yield();
    const auto least = appended.load();
    const auto copy = directory.path() / ("copy" + std::to_string(i));
    backup(store, copy).value();
    const auto journal = open_lmdb({.path = copy, .fold_events = 50}).value().journal;
    const auto all = read_all(*journal);
    for (std::size_t n = 0; n < all.size(); ++n) wrong += all[n].meta.position != n + 1;
    wrong += all.size() < least;
    wrong += all.size() % 5 != 0;
    wrong += read_stream(*journal, "order|1").size() != all.size() / 5 * 2;
  }
  done = true;
  appender.join();
  CHECK(wrong == 0);
}

TEST_CASE("A reader backs up a journal that another handle writes") {
  const temporary_directory directory;
  const auto writer = open_lmdb({.path = directory.path() / "store"}).value();
  append_all(*writer.journal, {write_of("order|1", 3)});
  const auto reader = open_lmdb({.path = directory.path() / "store", .read_only = true}).value();
  backup(reader, directory.path() / "copy").value();
  CHECK(open_lmdb({.path = directory.path() / "copy"}).value().journal->head().value() == 3);
}

TEST_CASE("A backup of an empty journal opens") {
  const temporary_directory directory;
  backup(open_lmdb({.path = directory.path() / "store"}).value(), directory.path() / "copy").value();
  CHECK(open_lmdb({.path = directory.path() / "copy"}).value().journal->head().value() == 0);
}

TEST_CASE("Storage in memory cannot be backed up") {
  const temporary_directory directory;
  const auto refused = backup(open_memory(), directory.path() / "copy");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == errc::invalid_argument);
  CHECK(list_files(directory.path()).empty());
}

TEST_CASE("A backup into a directory that holds anything, or into a file, is refused and changes nothing") {
  const temporary_directory directory;
  const auto store = open_lmdb({.path = directory.path() / "store"}).value();
  write_file(directory.path() / "copy" / "note", "text");
  const auto before = list_files(directory.path());
  const auto refused = backup(store, directory.path() / "copy");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == errc::invalid_argument);
  CHECK(refused.error().message().find("copy") != std::string::npos);
  CHECK_FALSE(backup(store, directory.path() / "copy" / "note"));
  CHECK(backup(store, directory.path() / "store").error().code() == errc::invalid_argument);
  CHECK(list_files(directory.path()) == before);
  CHECK(read_file(directory.path() / "copy" / "note") == "text");
}

TEST_CASE("A backup that cannot be written to its end leaves no journal, says why, and can be tried again") {
  const temporary_directory directory;
  const auto store = open_lmdb({.path = directory.path() / "store"}).value();
  auto write = write_of("order|1");
  write->events[0].payload.assign(4 << 20, 'x');
  append_one(*store.journal, write).value();
  const auto copy = directory.path() / "copy";

  // A limit on the size of files stands in for a full disk.
  rlimit unlimited{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &unlimited) == 0);
  const rlimit limited{1 << 20, unlimited.rlim_max};
  const auto ignored = std::signal(SIGXFSZ, SIG_IGN);
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &limited) == 0);
  const auto refused = backup(store, copy);
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &unlimited) == 0);
  std::signal(SIGXFSZ, ignored);

  REQUIRE_FALSE(refused);
  CHECK(refused.error().message().find("File too large") != std::string::npos);
  CHECK(list_files(copy).empty());
  backup(store, copy).value();
  CHECK(open_lmdb({.path = copy}).value().journal->head().value() == 1);
}

// One writer at a time, whatever is deleted, copied or forked around it; and what a writer knows is compared with what
// the journal holds.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <thread>

#include "lmdb_support.hpp"
#include "raw_index.hpp"
#include "support/catch.hpp"

using namespace tyto;
using namespace tyto::test;

namespace {

/// Returns what `body` says in a forked child.
std::string in_child(const std::function<std::string()>& body) {
  int answer[2];
  REQUIRE(::pipe(answer) == 0);
  const auto child = ::fork();
  if (child == 0) {
    const auto said = body();
    ::_exit(::write(answer[1], said.data(), said.size()) == static_cast<ssize_t>(said.size()) ? 0 : 1);
  }
  ::close(answer[1]);
  std::string said;
  std::array<char, 256> part{};
  for (ssize_t size = 0; (size = ::read(answer[0], part.data(), part.size())) > 0;) said.append(part.data(), size);
  ::close(answer[0]);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  return said;
}

std::string error_of(const auto& outcome) {
  return outcome ? "done" : std::string{name(outcome.error().code())} + ": " + outcome.error().message();
}

/// Flips a bit of the value under `key`.
void flip_raw(const std::filesystem::path& environment, const char* table, std::string key, std::size_t byte) {
  auto value = raw_value(environment, table, key);
  REQUIRE(byte < value.size());
  value[byte] ^= 1;
  put_raw(environment, table, key, value);
}

std::string text_of_lock(const std::filesystem::path& directory) { return read_file(directory / "writer.lock"); }

}  // namespace

TEST_CASE("A second writer is refused though somebody deleted the lock's file") {
  const temporary_directory directory;
  const auto store = open_lmdb({.path = directory.path()}).value();
  append_one(*store.journal, write_of("order|1")).value();
  std::filesystem::remove(directory.path() / "writer.lock");
  CHECK(run_store_program("append", directory.path(), "order|1").find("locked: ") == 0);
  CHECK(open_lmdb({.path = directory.path()}).error().code() == errc::locked);
  append_one(*store.journal, write_of("order|1")).value();
  CHECK(run_store_program("read", directory.path(), "order|1") == "version 2 head 2\n");
}

TEST_CASE("A writer whose journal grew behind its back stores nothing more, and says why") {
  const temporary_directory directory;
  auto store = open_lmdb({.path = directory.path()}).value();
  append_all(*store.journal, {write_of("order|1"), write_of("order|2")});
  // A copy of the directory's entries, which no lock joins to the original.
  const temporary_directory other;
  std::filesystem::create_directory_symlink(directory.path() / "journal", other.path() / "journal");
  std::filesystem::create_directory_symlink(directory.path() / "read_models", other.path() / "read_models");
  REQUIRE(run_store_program("append", other.path(), "order|1") == "version 2 head 3\n");

  const auto refused = append_and_wait(*store.journal, {{write_of("order|1")}, {}});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == errc::locked);
  CHECK(refused.error().message().find("ends at position 3") != std::string::npos);
  CHECK(append_and_wait(*store.journal, {{}, {{"billing", 1}}}).error().code() == errc::locked);
  CHECK(compact(store).error().code() == errc::locked);
  CHECK(store.journal->head().value() == 3);

  store = {};
  const auto again = open_lmdb({.path = directory.path()}).value();
  CHECK(again.journal->info("order|1").value().version == 2);
  append_one(*again.journal, write_of("order|1", 1, expected_version::exactly(2))).value();
}

TEST_CASE("A forked child can neither write nor read with its parent's storage, and spoils nothing by ending") {
  const temporary_directory directory;
  auto store = std::make_unique<storage>(open_lmdb({.path = directory.path()}).value());
  append_one(*store->journal, write_of("order|1", 2)).value();
  store->read_models->commit("m", {{"a", "1"}}, {1}).value();
  CHECK(store->journal->head().value() == 2);  // a read transaction that will be used again
  const auto snapshot = store->read_models->snapshot("m").value();
  const auto said = in_child([&] {
    std::string all = error_of(append_and_wait(*store->journal, {{write_of("order|1")}, {}})) + "\n";
    all += error_of(store->journal->head()) + "\n";
    all += error_of(store->journal->read_all({}, [](const event_view&) { return visit::next; })) + "\n";
    all += error_of(store->read_models->commit("m", {{"a", "2"}}, {2})) + "\n";
    all += error_of(store->read_models->snapshot("m")) + "\n";
    all += error_of(store->snapshots->save({})) + "\n";
    all += error_of(backup(*store, directory.path() / "copy")) + "\n";
    all += error_of(compact(*store)) + "\n";
    store.reset();
    return all;
  });
  std::istringstream lines{said};
  int refusals = 0;
  for (std::string line; std::getline(lines, line); ++refusals) {
    INFO(line);
    CHECK(line.find("locked: ") == 0);
    CHECK(line.find("process " + std::to_string(::getpid())) != std::string::npos);
  }
  CHECK(refusals == 8);
  CHECK_FALSE(std::filesystem::exists(directory.path() / "copy" / "journal"));

  CHECK(snapshot->get("a").value() == "1");
  append_one(*store->journal, write_of("order|1")).value();
  CHECK(positions_of(read_all(*store->journal)) == positions{1, 2, 3});
  CHECK(run_store_program("append", directory.path(), "order|1").find("locked: ") == 0);
}

TEST_CASE(
    "A child that is forked while its parent's other threads append, read and compact is refused, and does not hang") {
  const temporary_directory directory;
  auto store = open_lmdb({.path = directory.path()}).value();
  append_one(*store.journal, write_of("order|1")).value();
  std::atomic<bool> is_over = false;
  std::vector<std::thread> others;
  others.emplace_back([&] {
    while (!is_over) append_one(*store.journal, write_of("order|1")).value();
  });
  others.emplace_back([&] {
    for (std::uint64_t i = 0; !is_over; ++i) store.read_models->commit("m" + std::to_string(i % 50), {}, {1}).value();
  });
  others.emplace_back([&] {
    while (!is_over) (void)compact(store).value();
  });
  for (int round = 0; round < 20; ++round) {
    CHECK(in_child([&] {
            ::alarm(60);  // ends a child that hangs
            std::string all = error_of(append_and_wait(*store.journal, {{write_of("order|1")}, {}})).substr(0, 7);
            all += error_of(store.journal->info("order|1")).substr(0, 7);
            all += error_of(store.read_models->snapshot("m1")).substr(0, 7);
            return all + error_of(compact(store)).substr(0, 7);
          }) == "locked:locked:locked:locked:");
  }
  is_over = true;
  for (auto& each : others) each.join();
}

TEST_CASE("A compaction is no time at which the files seem to be gone") {
  const temporary_directory directory;
  const auto store = open_lmdb({.path = directory.path()}).value();
  append_all(*store.journal, {write_of("order|1"), write_of("order|2")});
  std::atomic<bool> is_over = false;
  std::thread looking{[&] {
    while (!is_over) store.journal->condition().files.value();
  }};
  for (int round = 0; round < 30; ++round) (void)compact(store).value();
  is_over = true;
  looking.join();
}

TEST_CASE("A forked child opens the storage for itself: for reading beside its parent, for writing after it") {
  const temporary_directory directory;
  auto store = std::make_unique<storage>(open_lmdb({.path = directory.path()}).value());
  append_one(*store->journal, write_of("order|1", 2)).value();
  CHECK(in_child([&] { return error_of(open_lmdb({.path = directory.path()})); }).find("locked: ") == 0);
  CHECK(in_child([&] {
          const auto mine = open_lmdb({.path = directory.path(), .read_only = true});
          return mine ? std::to_string(mine.value().journal->head().value()) : error_of(mine);
        }) == "2");
  append_one(*store->journal, write_of("order|1")).value();

  int parent_is_done[2];
  REQUIRE(::pipe(parent_is_done) == 0);
  const auto child = ::fork();
  if (child == 0) {
    char byte = 0;
    ::close(parent_is_done[1]);
    (void)!::read(parent_is_done[0], &byte, 1);
    ::_exit(0);
  }
  store.reset();
  CHECK(run_store_program("append", directory.path(), "order|1") == "version 4 head 4\n");  // the child is still there
  ::close(parent_is_done[0]);
  ::close(parent_is_done[1]);
  ::waitpid(child, nullptr, 0);
}

TEST_CASE("The child that a killed writer forked does not keep the storage locked") {
  const temporary_directory directory;
  int pids[2];
  REQUIRE(::pipe(pids) == 0);
  const auto writer = ::fork();
  if (writer == 0) {
    const auto store = open_lmdb({.path = directory.path()});
    if (!store) ::_exit(1);
    if (::fork() == 0) {
      const auto forked = ::getpid();  // said by the child: by then it has given up its part of the lock
      if (::write(pids[1], &forked, sizeof forked) != sizeof forked) ::_exit(1);
    }
    ::pause();
    ::_exit(0);
  }
  pid_t forked = 0;
  REQUIRE(::read(pids[0], &forked, sizeof forked) == sizeof forked);
  ::close(pids[0]);
  ::close(pids[1]);
  CHECK(open_lmdb({.path = directory.path()}).error().code() == errc::locked);
  ::kill(writer, SIGKILL);
  ::waitpid(writer, nullptr, 0);
  CHECK(::kill(forked, 0) == 0);
  CHECK(open_lmdb({.path = directory.path()}));
  ::kill(forked, SIGKILL);
}

TEST_CASE("The lock's file has a writer's number until it ends in order") {
  const temporary_directory directory;
  {
    const auto store = open_lmdb({.path = directory.path()}).value();
    CHECK(text_of_lock(directory.path()) == std::to_string(::getpid()) + "\n");
  }
  CHECK(text_of_lock(directory.path()).empty());
}

TEST_CASE("A writer that is refused leaves what the lock's file says of the one that writes") {
  const temporary_directory directory;
  const auto own = std::to_string(::getpid());
  {
    const auto store = open_lmdb({.path = directory.path()}).value();
    for (int attempt = 0; attempt < 2; ++attempt) {
      CHECK(open_lmdb({.path = directory.path()}).error().message().find("this process (" + own + ")") !=
            std::string::npos);
      CHECK(run_store_program("append", directory.path(), "order|1").find("process " + own) != std::string::npos);
      CHECK(in_child([&] { return error_of(open_lmdb({.path = directory.path()})); }).find("process " + own) !=
            std::string::npos);
      CHECK(text_of_lock(directory.path()) == own + "\n");
    }
  }
  CHECK(text_of_lock(directory.path()).empty());
}

TEST_CASE("A journal that lost its last commit is not taken for a shorter one") {
  const temporary_directory directory;
  const temporary_directory copy;
  { append_one(*open_lmdb({.path = directory.path()}).value().journal, write_of("order|1", 2)).value(); }
  std::filesystem::copy(directory.path() / "journal", copy.path() / "journal");
  { append_one(*open_lmdb({.path = directory.path()}).value().journal, write_of("order|1")).value(); }
  std::filesystem::remove_all(directory.path() / "journal");
  std::filesystem::copy(copy.path() / "journal", directory.path() / "journal");
  for (const bool read_only : {true, false}) {
    const auto refused = open_lmdb({.path = directory.path(), .read_only = read_only});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code() == errc::damaged);
    CHECK(refused.error().message().find("up to 3 have been acknowledged") != std::string::npos);
  }
  std::filesystem::remove(directory.path() / "journal.head");
  const auto store = open_lmdb({.path = directory.path()}).value();
  CHECK(store.journal->head().value() == 2);
  append_one(*store.journal, write_of("order|1")).value();
}

TEST_CASE("What was acknowledged of another journal, or cannot be read, says nothing") {
  const temporary_directory directory;
  const temporary_directory other;
  {
    append_one(*open_lmdb({.path = directory.path()}).value().journal, write_of("order|1", 1)).value();
    append_one(*open_lmdb({.path = other.path()}).value().journal, write_of("order|1", 5)).value();
  }
  SECTION("another journal's") {
    std::filesystem::copy(other.path() / "journal.head", directory.path() / "journal.head",
                          std::filesystem::copy_options::overwrite_existing);
  }
  SECTION("zeros") { write_file(directory.path() / "journal.head", std::string(16, '\0')); }
  SECTION("nothing") { write_file(directory.path() / "journal.head", ""); }
  CHECK(open_lmdb({.path = directory.path()}).value().journal->head().value() == 1);
}

TEST_CASE("A relaxed journal promises nothing about its last commit") {
  const temporary_directory directory;
  const auto store = open_lmdb({.path = directory.path(), .mode = durability::relaxed}).value();
  append_one(*store.journal, write_of("order|1")).value();
  CHECK_FALSE(std::filesystem::exists(directory.path() / "journal.head"));
}

TEST_CASE("A changed bit in how far the index goes is found, and no number is given twice") {
  const temporary_directory directory;
  {
    const auto store = open_lmdb({.path = directory.path(), .fold_events = 4}).value();
    for (int i = 0; i < 12; ++i) append_one(*store.journal, write_of("order|1")).value();
  }
  const auto byte = GENERATE(0, 1, 2, 8, 16, 24);
  flip_raw(directory.path() / "journal", "meta", "runs", byte);
  for (const bool read_only : {false, true}) {
    const auto opened = open_lmdb({.path = directory.path(), .read_only = read_only});
    const auto failed = opened ? opened.value().journal->info("order|1").error() : opened.error();
    CHECK(failed.code() == errc::damaged);
    CHECK(failed.message().find("which runs make up the index of streams") != std::string::npos);
  }
}

TEST_CASE(
    "Changed checkpoints, and what the file says of itself, are found; those of earlier versions have no checksum") {
  const temporary_directory directory;
  {
    const auto store = open_lmdb({.path = directory.path()}).value();
    append_and_wait(*store.journal, {{write_of("order|1", 9)}, {{"billing", 8}}}).value();
    store.read_models->commit("m", {{"a", "1"}}, {8, {{2}}, "string"}).value();
  }
  const auto journal = directory.path() / "journal";
  const auto rows = directory.path() / "read_models";
  const auto open = [&] { return open_lmdb({.path = directory.path()}); };
  SECTION("of the journal") {
    flip_raw(journal, "checkpoints", "billing", 0);
    CHECK(open().value().journal->load_checkpoint("billing").error().code() == errc::damaged);
    CHECK(open().value().journal->checkpoints().error().code() == errc::damaged);
    put_raw(journal, "checkpoints", "billing", std::string("\7\0\0\0\0\0\0\0", 8));
    CHECK(open().value().journal->load_checkpoint("billing").value() == 7);
  }
  SECTION("of rows") {
    flip_raw(rows, "checkpoints", "m", GENERATE(0, 8, 16));
    const auto refused = open();
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code() == errc::damaged);
    CHECK(refused.error().message().find("delete this directory") != std::string::npos);
    put_raw(rows, "checkpoints", "m", std::string("\7\0\0\0\0\0\0\0", 8));
    CHECK(open().value().read_models->snapshot("m").value()->position() == 7);
  }
  SECTION("under another name") {
    put_raw(journal, "checkpoints", "shipping", raw_value(journal, "checkpoints", "billing"));
    CHECK(open().value().journal->load_checkpoint("shipping").error().code() == errc::damaged);
  }
  SECTION("of the file") {
    const auto key = GENERATE(as<std::string>{}, "kind", "format", "journal_id", "created", "checksum");
    flip_raw(journal, "meta", key, 0);
    CHECK(open().error().code() == errc::damaged);
    erase_raw(journal, "meta", "checksum");
    const auto without = open();
    if (key == "checksum") CHECK(without);
    if (key == "kind") CHECK(without.error().code() == errc::foreign);
  }
}

TEST_CASE("A damaged entry of the index is found before a number is given twice") {
  const temporary_directory directory;
  {
    const auto store = open_lmdb({.path = directory.path(), .fold_events = 4}).value();
    for (int i = 0; i < 6; ++i) append_all(*store.journal, {write_of("order|1"), write_of("order|2")});
  }
  {
    const auto store = open_lmdb({.path = directory.path(), .fold_events = 1}).value();
    for (int i = 0; i < 4; ++i)
      append_one(*store.journal, write_of("filler|1")).value();  // all of the orders are folded
  }
  const auto journal = directory.path() / "journal";
  const auto last = raw_entry_of(journal, "order|1");
  flip_raw(journal, last.table.c_str(), last.key, GENERATE(0, 1));
  const auto store = open_lmdb({.path = directory.path(), .fold_events = 4}).value();
  const auto read = store.journal->read_stream("order|1", 1, [](const event_view&) { return visit::next; });
  CHECK(read.error().code() == errc::damaged);
  CHECK(store.journal->info("order|1").error().code() == errc::damaged);
  CHECK(append_and_wait(*store.journal, {{write_of("order|1")}, {}}).error().code() == errc::damaged);
  CHECK(store.journal->info("order|2").value().version == 6);
}

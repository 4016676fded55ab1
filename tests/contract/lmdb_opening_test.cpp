// What opening a directory refuses, what it says then, and that it leaves no trace.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <random>

#include "lmdb_support.hpp"
#include "support/catch.hpp"

using namespace tyto;
using namespace tyto::test;

namespace {

error refusal(const lmdb_options& options) {
  const auto opened = open_lmdb(options);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().message().find(options.path.filename().string()) != std::string::npos);
  return opened.error();
}

void make_store(const std::filesystem::path& path, std::uint64_t read_model_position = 1) {
  const auto store = open_lmdb({.path = path}).value();
  append_all(*store.journal, {write_of("order|1", 2)});
  store.read_models->commit("m", {{"a", "1"}}, {read_model_position}).value();
}

}  // namespace

TEST_CASE("Opening again finds everything") {
  const temporary_directory directory;
  const auto path = directory.path() / "a" / "b";
  {
    const auto store = open_lmdb({.path = path}).value();
    append_and_wait(*store.journal, {{write_of("order|1", 2), write_of("order|2")}, {{"billing", 2}}}).value();
    store.read_models->commit("m", {{"alice", "1"}}, {2}).value();
  }
  for (const bool read_only : {false, true}) {
    const auto store = open_lmdb({.path = path, .read_only = read_only}).value();
    CHECK(positions_of(read_stream(*store.journal, "order|1")) == positions{1, 2});
    CHECK(store.journal->info("order|2").value().version == 1);
    CHECK(store.journal->load_checkpoint("billing").value() == 2);
    CHECK(store.read_models->snapshot("m").value()->get("alice").value() == "1");
    CHECK(store.read_models->snapshot("m").value()->position() == 2);
  }
  const auto store = open_lmdb({.path = path}).value();
  const auto write = write_of("order|1");
  append_one(*store.journal, write).value();
  CHECK(write->events[0].meta.position == 4);
  CHECK(write->events[0].meta.sequence_number == 3);
}

TEST_CASE("A second writer in this process is refused, names this process, and disturbs nothing") {
  const temporary_directory directory;
  auto store = open_lmdb({.path = directory.path()}).value();
  const auto refused = refusal({.path = directory.path()});
  CHECK(refused.code() == errc::locked);
  CHECK(refused.message().find(std::to_string(::getpid())) != std::string::npos);
  CHECK(refused.message().find("read_only") != std::string::npos);
  append_one(*store.journal, write_of("order|1")).value();
  store.journal.reset();
  store.read_models.reset();
  CHECK(refusal({.path = directory.path()}).code() == errc::locked);  // the snapshots are still open
  store.snapshots.reset();
  CHECK(open_lmdb({.path = directory.path()}));
}

TEST_CASE("A second writer in another process is refused and names the one that writes") {
  const temporary_directory directory;
  auto store = open_lmdb({.path = directory.path()}).value();
  append_one(*store.journal, write_of("order|1")).value();
  const auto refused = run_store_program("open", directory.path(), "order|1");
  CHECK(refused.find("locked: ") == 0);
  CHECK(refused.find("process " + std::to_string(::getpid())) != std::string::npos);
  CHECK(run_store_program("read", directory.path(), "order|1") == "version 1 head 1\n");
  store = {};
  CHECK(run_store_program("append", directory.path(), "order|1") == "version 2 head 2\n");
}

TEST_CASE("The lock of a writer that was killed is free") {
  const temporary_directory directory;
  make_store(directory.path());
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  const auto child = ::fork();
  if (child == 0) {
    const auto store = open_lmdb({.path = directory.path()});
    const char answer = store ? 'y' : 'n';
    if (::write(ready[1], &answer, 1) != 1) ::_exit(1);
    ::pause();
    ::_exit(0);
  }
  char answer = 0;
  REQUIRE(::read(ready[0], &answer, 1) == 1);
  CHECK(answer == 'y');
  const auto refused = refusal({.path = directory.path()});
  CHECK(refused.code() == errc::locked);
  CHECK(refused.message().find("process " + std::to_string(child)) != std::string::npos);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::close(ready[0]);
  ::close(ready[1]);
  CHECK(open_lmdb({.path = directory.path()}).value().journal->head().value() == 2);
}

TEST_CASE("Reading only needs a journal, creates nothing and refuses to write") {
  const temporary_directory directory;
  CHECK(refusal({.path = directory.path() / "none", .read_only = true}).code() == errc::invalid_argument);
  CHECK(refusal({.path = directory.path(), .read_only = true}).code() == errc::invalid_argument);
  CHECK(list_files(directory.path()).empty());

  make_store(directory.path());
  const auto store = open_lmdb({.path = directory.path(), .read_only = true}).value();
  const auto appended = append_and_wait(*store.journal, {{write_of("order|1")}, {}});
  REQUIRE_FALSE(appended);
  CHECK(appended.error().code() == errc::permission);
  CHECK(store.read_models->commit("m", {}, {2}).error().code() == errc::permission);
  CHECK(store.read_models->sync().error().code() == errc::permission);
  CHECK(store.read_models->snapshot("other").value()->position() == 0);
}

TEST_CASE("A process that has the storage open for reading must close it before it writes") {
  const temporary_directory directory;
  make_store(directory.path());
  {
    const auto reader = open_lmdb({.path = directory.path(), .read_only = true}).value();
    CHECK(refusal({.path = directory.path()}).code() == errc::locked);
  }
  CHECK(open_lmdb({.path = directory.path()}));
}

TEST_CASE("A checkpoint of rows has the documented bytes, and those that earlier versions wrote are read") {
  const temporary_directory directory;
  const auto rows = directory.path() / "read_models";
  const auto number = [](auto n) { return std::string{reinterpret_cast<const char*>(&n), sizeof n}; };
  const auto u64 = [&](std::uint64_t n) { return number(n); };
  const auto u32 = [&](std::uint32_t n) { return number(n); };
  const auto checkpoint = [&] {
    return open_lmdb({.path = directory.path()}).value().read_models->snapshot("m").value()->checkpoint();
  };
  make_store(directory.path());
  put_raw(rows, "checkpoints", "m", u64(2));
  CHECK(checkpoint() == row_checkpoint{2});
  put_raw(rows, "checkpoints", "m", u64(2) + u64(0));
  CHECK(checkpoint() == row_checkpoint{2});
  put_raw(rows, "checkpoints", "m", u64(2) + u64(1));
  CHECK(checkpoint() == row_checkpoint{2, {{1}}});
  open_lmdb({.path = directory.path()}).value().read_models->commit("m", {}, {2, {{2}, {1, 3}}, "u64"}).value();
  const auto stored = raw_value(rows, "checkpoints", "m");
  const auto expected = u64(2) + u32(2) + u32(3) + u64(2) + u32(0xffffffff) + u64(1) + u32(3) + "u64";
  CHECK(stored.substr(0, expected.size()) == expected);
  CHECK(stored.size() == expected.size() + 8);  // with a checksum
  CHECK(checkpoint() == row_checkpoint{2, {{2}, {1, 3}}, "u64"});
  for (const auto& cut : {u64(2) + u32(0), u64(2) + u32(2) + u32(0) + u64(2), u64(2) + u32(0) + u32(3) + "u6"}) {
    put_raw(rows, "checkpoints", "m", cut);
    CHECK(refusal({.path = directory.path()}).code() == errc::damaged);
  }
}

TEST_CASE("Read models that were deleted are rebuilt, and empty for readers until then") {
  const temporary_directory directory;
  make_store(directory.path());
  std::filesystem::remove_all(directory.path() / "read_models");
  CHECK(
      open_lmdb({.path = directory.path(), .read_only = true}).value().read_models->snapshot("m").value()->position() ==
      0);
  CHECK(open_lmdb({.path = directory.path()}).value().read_models->snapshot("m").value()->position() == 0);
}

TEST_CASE("Paths that cannot be a storage directory are refused in words") {
  const temporary_directory directory;
  CHECK(open_lmdb({}).error().code() == errc::invalid_argument);
  write_file(directory.path() / "file", "text");
  CHECK(refusal({.path = directory.path() / "file"}).code() == errc::invalid_argument);
  CHECK_FALSE(open_lmdb({.path = directory.path() / "file" / "below"}));
  CHECK(list_files(directory.path()) == std::vector<std::string>{"file"});
  CHECK(read_file(directory.path() / "file") == "text");
}

TEST_CASE("What is no regular file in the place of one is refused by its name, and nobody waits for it") {
  const auto* name =
      GENERATE("journal/data.mdb", "read_models/data.mdb", "journal/lock.mdb", "writer.lock", "journal.head");
  const temporary_directory directory;
  make_store(directory.path());
  const auto place = directory.path() / name;
  std::filesystem::remove(place);
  REQUIRE(::mkfifo(place.c_str(), 0644) == 0);
  ::alarm(60);  // ends a process that waits
  for (const bool read_only : {false, true}) {
    const auto opened = open_lmdb({.path = directory.path(), .read_only = read_only});
    // Readers need no lock of writers, and what was acknowledged says nothing where it cannot be read.
    if (read_only && place.parent_path() == directory.path()) {
      CHECK(opened);
      continue;
    }
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code() == errc::foreign);
    CHECK(opened.error().message().find("'" + place.string() + "': it is not a regular file") != std::string::npos);
  }
  CHECK(verify(directory.path()).has_value() == (place.parent_path() == directory.path()));
  ::alarm(0);
}

TEST_CASE("Files that are not ours are foreign, and are left alone") {
  const temporary_directory directory;
  const auto name = GENERATE(as<std::string>{}, "journal", "read_models");
  SECTION("not LMDB") {
    write_file(directory.path() / name / "data.mdb", std::string(20'000, 'x'));
    if (name == "read_models") {
      const temporary_directory other;
      make_store(other.path());
      std::filesystem::copy(other.path() / "journal", directory.path() / "journal");
    }
  }
  SECTION("LMDB, but another program's") {
    if (name == "read_models") make_store(directory.path());
    std::filesystem::remove_all(directory.path() / name);
    std::filesystem::create_directories(directory.path() / name);
    const auto table = GENERATE(as<std::string>{}, "meta", "users");
    put_raw(directory.path() / name, table.c_str(), "key", "value");
    std::filesystem::remove(directory.path() / name / "lock.mdb");
  }
  const auto before = list_files(directory.path());
  CHECK(refusal({.path = directory.path()}).code() == errc::foreign);
  CHECK(list_files(directory.path()) == before);
  CHECK_FALSE(open_lmdb({.path = directory.path(), .read_only = true}));
}

TEST_CASE("A newer format is refused and nothing is changed") {
  const temporary_directory directory;
  make_store(directory.path());
  const auto name = GENERATE(as<std::string>{}, "journal", "read_models");
  put_raw(directory.path() / name, "meta", "format", std::string(name == "journal" ? "\3\0\0\0" : "\2\0\0\0", 4));
  erase_raw(directory.path() / name, "meta", "checksum");
  const auto before = read_file(directory.path() / name / "data.mdb");
  for (const bool read_only : {false, true}) {
    CHECK(refusal({.path = directory.path(), .read_only = read_only}).code() == errc::newer_format);
  }
  CHECK(read_file(directory.path() / name / "data.mdb") == before);
}

TEST_CASE("Read models of another journal, or beyond the journal's end, are foreign") {
  const temporary_directory directory;
  const auto path = directory.path() / "store";
  SECTION("another journal's") {
    make_store(path);
    make_store(directory.path() / "other");
    std::filesystem::remove_all(path / "read_models");
    std::filesystem::rename(directory.path() / "other" / "read_models", path / "read_models");
  }
  SECTION("ahead") { make_store(path, 3); }
  for (const bool read_only : {false, true}) {
    const auto opened = open_lmdb({.path = path, .read_only = read_only});
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code() == errc::foreign);
    CHECK(opened.error().message().find("delete this directory") != std::string::npos);
  }
  std::filesystem::remove_all(path / "read_models");
  CHECK(open_lmdb({.path = path}).value().journal->head().value() == 2);
}

TEST_CASE("An empty file that a crash left behind while a journal was created is filled") {
  const temporary_directory directory;
  write_file(directory.path() / "journal" / "data.mdb", "");
  make_store(directory.path());
  CHECK(open_lmdb({.path = directory.path()}).value().journal->head().value() == 2);
}

TEST_CASE("A directory without permission is refused as such") {
  if (::geteuid() == 0) {
    WARN("skipped: permissions do not bind the superuser");
    return;
  }
  const temporary_directory directory;
  const auto path = directory.path() / "closed";
  std::filesystem::create_directories(path);
  std::filesystem::permissions(path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
  CHECK(refusal({.path = path}).code() == errc::permission);
  CHECK(refusal({.path = path / "below"}).code() == errc::permission);
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
}

TEST_CASE("Read models that shrink and grow in every way can always be opened again") {
  const temporary_directory directory;
  std::mt19937 random{7};
  const auto pick = [&random](std::size_t most) { return std::uniform_int_distribution<std::size_t>{0, most}(random); };
  for (std::uint64_t round = 1; round <= 60; ++round) {
    INFO("round " << round);
    const auto store = open_lmdb({.path = directory.path(), .mode = durability::relaxed}).value();
    append_all(*store.journal, {write_of("order|1")});
    row_changes changes;
    for (int i = 0; i < 60; ++i) {
      const auto key = std::to_string(pick(100));
      if (round % 3 == 0) {
        changes[key] = std::nullopt;
      } else {
        changes[key] = std::string(pick(9000), 'x');
      }
    }
    store.read_models->commit("m", changes, {round}).value();
  }
}

namespace {

// Has LMDB give out pages at the end of a file and take them back in the same transaction: it does not write them, and
// here nobody extends the file over them. Returns how long the file must be to have them.
std::uintmax_t leave_pages_unwritten(const std::filesystem::path& environment) {
  with_raw_table(environment, "checkpoints", 0, [](MDB_txn* txn, MDB_dbi dbi) {
    std::vector<std::string> keys;
    for (int i = 10'000; i < 11'000; ++i) keys.push_back("key" + std::to_string(i));
    std::string text(100, 'x');
    for (auto& each : keys) {
      MDB_val key{each.size(), each.data()};
      MDB_val value{text.size(), text.data()};
      REQUIRE(mdb_put(txn, dbi, &key, &value, 0) == 0);
    }
    // LMDB takes again what was given back last: not what lies at the end.
    std::reverse(keys.begin(), keys.end());
    for (auto& each : keys) {
      MDB_val key{each.size(), each.data()};
      REQUIRE(mdb_del(txn, dbi, &key, nullptr) == 0);
    }
  });
  MDB_env* env = nullptr;
  MDB_envinfo info{};
  REQUIRE(mdb_env_create(&env) == 0);
  REQUIRE(mdb_env_open(env, environment.c_str(), MDB_RDONLY, 0644) == 0);
  REQUIRE(mdb_env_info(env, &info) == 0);
  mdb_env_close(env);
  return (std::uintmax_t{info.me_last_pgno} + 1) * 4096;
}

void write_storage(const std::filesystem::path& path) {
  const auto store = open_lmdb({.path = path}).value();
  append_one(*store.journal, write_of("order|1", 3)).value();
  store.read_models->commit("m", {{"1", "row"}}, {3}).value();
}

}  // namespace

TEST_CASE("A storage whose files lack free pages at the end can be read and written; the writer extends them") {
  const temporary_directory directory;
  const auto& path = directory.path();
  write_storage(path);
  const auto part = GENERATE(std::string{"journal"}, std::string{"read_models"});
  const auto file = path / part / "data.mdb";
  const auto needed = leave_pages_unwritten(path / part);
  const auto size = std::filesystem::file_size(file);
  REQUIRE(size < needed);
  {
    const auto store = open_lmdb({.path = path, .read_only = true}).value();
    CHECK(store.journal->head().value() == 3);
    CHECK(store.read_models->snapshot("m").value()->get("1").value() == "row");
    CHECK(verify(path).value().is_sound());
  }
  CHECK(std::filesystem::file_size(file) == size);
  const auto store = open_lmdb({.path = path, .check_pages = page_check::always}).value();
  CHECK(std::filesystem::file_size(file) >= needed);
  append_one(*store.journal, write_of("order|1")).value();
  store.read_models->commit("m", {{"2", "row"}}, {4}).value();
  CHECK(verify(path).value().is_sound());
}

TEST_CASE("A writer that cannot extend a file over free pages says why and what to do") {
  const temporary_directory directory;
  const auto& path = directory.path();
  write_storage(path);
  const auto part = GENERATE(std::string{"journal"}, std::string{"read_models"});
  const auto file = path / part / "data.mdb";
  const auto needed = leave_pages_unwritten(path / part);
  const auto size = std::filesystem::file_size(file);
  REQUIRE(size < needed);
  rlimit unlimited{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &unlimited) == 0);
  auto limited = unlimited;
  limited.rlim_cur = size;
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &limited) == 0);
  const auto refused = open_lmdb({.path = path});
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &unlimited) == 0);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == errc::full);
  CHECK(refused.error().message().find("extending '" + file.string() + "'") != std::string::npos);
  CHECK(refused.error().message().find("RLIMIT_FSIZE") != std::string::npos);
  CHECK(std::filesystem::file_size(file) == size);
  CHECK(open_lmdb({.path = path}).value().journal->head().value() == 3);
}

TEST_CASE("A file that lacks a page which is used, besides free ones at the end, is damaged") {
  const temporary_directory directory;
  const auto& path = directory.path();
  write_storage(path);
  const auto part = GENERATE(std::string{"journal"}, std::string{"read_models"});
  const auto file = path / part / "data.mdb";
  leave_pages_unwritten(path / part);
  // What LMDB wrote may end with pages that are free by now.
  for (auto left = std::filesystem::file_size(file); left > 8192; left -= 4096) {
    std::filesystem::resize_file(file, left);
    const auto store = open_lmdb({.path = path, .read_only = true});
    if (!store) break;
    CHECK(store->journal->head().value() == 3);
    CHECK(store->read_models->snapshot("m").value()->get("1").value() == "row");
  }
  for (const bool read_only : {true, false}) {
    const auto refused = open_lmdb({.path = path, .read_only = read_only});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code() == errc::damaged);
    CHECK(refused.error().message().find("cut off") != std::string::npos);
  }
  CHECK_FALSE(verify(path).value().is_sound());
}

TEST_CASE("Read models can be opened again after rows that fill whole pages were erased together") {
  // LMDB need not write such pages, which must not look like a file that was cut off.
  const std::size_t erased = GENERATE(100u, 400u, 900u, 1000u);
  const temporary_directory directory;
  const auto key = [](std::size_t i) { return "key" + std::to_string(10'000 + i); };
  {
    const auto store = open_lmdb({.path = directory.path()}).value();
    row_changes changes;
    for (std::size_t i = 0; i < 1000; ++i) changes[key(i)] = std::string(100, 'x');
    store.read_models->commit("m", changes, {0}).value();
    changes.clear();
    for (std::size_t i = 0; i < erased; ++i) changes[key(i)] = std::nullopt;
    store.read_models->commit("m", changes, {0}).value();
  }
  const auto store = open_lmdb({.path = directory.path()}).value();
  std::size_t rows = 0;
  const auto count = [&rows](auto, auto) { return ++rows, visit::next; };
  store.read_models->snapshot("m").value()->scan("", count).value();
  CHECK(rows == 1000 - erased);
}

// What happens around an open storage: its files are deleted or replaced, its process may not write as much as it wants
// or has closed its standard output.
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lmdb_support.hpp"
#include "support/catch.hpp"

using namespace tyto;
using namespace tyto::test;

namespace fs = std::filesystem;

namespace {

// Runs `what` in a process of its own and returns its exit code, or minus the signal that ended it.
template <class Function>
int in_child(const Function& what) {
  const auto child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) ::_exit(what());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

void limit_file_size(rlim_t bytes) {
  rlimit limit{};
  ::getrlimit(RLIMIT_FSIZE, &limit);
  limit.rlim_cur = bytes;
  ::setrlimit(RLIMIT_FSIZE, &limit);
}

// A way in which files of the environment in a directory get lost while they are open.
struct loss {
  const char* how;
  void (*happens)(const fs::path& environment);
};

void replace(const fs::path& file) {
  const auto copy = file.string() + ".copy";
  fs::copy_file(file, copy);
  fs::rename(copy, file);
}

const std::vector<loss>& losses() {
  static const std::vector<loss> all{
      {"data.mdb is deleted", [](const fs::path& in) { fs::remove(in / "data.mdb"); }},
      {"data.mdb is replaced", [](const fs::path& in) { replace(in / "data.mdb"); }},
      {"lock.mdb is deleted", [](const fs::path& in) { fs::remove(in / "lock.mdb"); }},
      {"lock.mdb is replaced", [](const fs::path& in) { replace(in / "lock.mdb"); }},
      {"the directory is deleted", [](const fs::path& in) { fs::remove_all(in); }},
      {"the directory is replaced",
       [](const fs::path& in) {
         fs::copy(in, in.string() + ".copy");
         fs::rename(in, in.string() + ".moved");
         fs::rename(in.string() + ".copy", in);
       }},
      {"the storage is deleted", [](const fs::path& in) { fs::remove_all(in.parent_path()); }},
      {"the storage is moved", [](const fs::path& in) { fs::rename(in.parent_path(), in.parent_path() += ".moved"); }}};
  return all;
}

// Where the files are after a loss that left a whole storage, or nothing.
fs::path left_of(const fs::path& path) {
  if (fs::exists(path.string() + ".moved")) return path.string() + ".moved";
  return fs::exists(path / "journal" / "data.mdb") ? path : fs::path{};
}

}  // namespace

TEST_CASE("A writer whose files are deleted or replaced acknowledges nothing more, and can still be backed up") {
  const temporary_directory parent;
  const auto path = parent.path() / "store";
  const auto mode = GENERATE(durability::synced, durability::relaxed);
  for (const auto& [how, happens] : losses()) {
    INFO(how << ", " << name(mode));
    {
      const auto store = open_lmdb({.path = path, .mode = mode}).value();
      append_one(*store.journal, write_of("order|1", 2)).value();
      REQUIRE(store.journal->condition().files);
      happens(path / "journal");
      CHECK_FALSE(store.journal->condition().files);
      for (int i = 0; i < 2; ++i) {
        const auto refused = append_and_wait(*store.journal, {{write_of("order|1")}, {{"billing", 2}}});
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code() == errc::io);
        CHECK_THAT(refused.error().message(), Catch::Contains(path.string()) && Catch::Contains("deleted or replaced"));
      }
      CHECK(store.journal->info("order|1").value().version == 2);
      backup(store, parent.path() / "saved").value();
    }
    CHECK(open_lmdb({.path = parent.path() / "saved"}).value().journal->head().value() == 2);
    if (const auto left = left_of(path); !left.empty()) {
      const auto store = open_lmdb({.path = left}).value();
      CHECK(store.journal->head().value() == 2);
      CHECK(store.journal->load_checkpoint("billing").value() == 0);
    }
    for (const auto& each : fs::directory_iterator{parent.path()}) fs::remove_all(each);
  }
}

TEST_CASE("Files that come back after a writer has missed them do not make it go on") {
  const temporary_directory directory;
  auto store = open_lmdb({.path = directory.path()}).value();
  append_one(*store.journal, write_of("order|1")).value();
  const auto lock = directory.path() / "journal" / "lock.mdb";
  fs::rename(lock, lock.string() + ".aside");
  REQUIRE_FALSE(append_and_wait(*store.journal, {{write_of("order|1")}, {}}));
  fs::rename(lock.string() + ".aside", lock);
  CHECK_FALSE(append_and_wait(*store.journal, {{write_of("order|1")}, {}}));
  store = {};
  store = open_lmdb({.path = directory.path()}).value();
  CHECK(append_one(*store.journal, write_of("order|1")));
}

TEST_CASE("Read models whose files are deleted or replaced take no more rows, and the journal goes on") {
  const temporary_directory parent;
  const auto path = parent.path() / "store";
  for (const auto& [how, happens] : losses()) {
    if (std::string{how}.find("storage") != std::string::npos) continue;
    INFO(how);
    {
      const auto store = open_lmdb({.path = path}).value();
      append_one(*store.journal, write_of("order|1", 2)).value();
      store.read_models->commit("m", {{"a", "1"}}, {1}).value();
      happens(path / "read_models");
      for (int i = 0; i < 2; ++i) {
        const auto refused = store.read_models->commit("m", {{"a", "2"}}, {2});
        REQUIRE_FALSE(refused);
        CHECK_THAT(refused.error().message(), Catch::Contains("deleted or replaced"));
      }
      append_one(*store.journal, write_of("order|1")).value();
    }
    CHECK(open_lmdb({.path = path}).value().journal->head().value() == 3);
    fs::remove_all(path);
    fs::remove_all(path / "read_models.moved");
  }
}

TEST_CASE("A reader whose files are deleted or replaced says so instead of answering with what has been") {
  const temporary_directory parent;
  const auto path = parent.path() / "store";
  for (const auto& [how, happens] : losses()) {
    INFO(how);
    {
      const auto store = open_lmdb({.path = path}).value();
      append_one(*store.journal, write_of("order|1", 2)).value();
      store.read_models->commit("m", {{"a", "1"}}, {1}).value();
    }
    {
      const auto reader = open_lmdb({.path = path, .read_only = true}).value();
      REQUIRE(reader.journal->head());
      REQUIRE(reader.read_models->snapshot("m"));
      if (fs::exists(path / "journal")) happens(path / "journal");
      const bool is_copied = std::string{how}.find("replaced") != std::string::npos;
      if (std::string{how}.find("lock") != std::string::npos || !is_copied) CHECK_FALSE(reader.journal->head());
      if (fs::exists(path / "read_models")) happens(path / "read_models");
      CHECK_FALSE(reader.read_models->snapshot("m"));
    }
    for (const auto& each : fs::directory_iterator{parent.path()}) fs::remove_all(each);
  }
}

TEST_CASE("A user who may only read is told which files a reader writes to, and can read when it may") {
  if (::geteuid() != 0) {
    WARN("skipped: only the superuser can become another user");
    return;
  }
  const temporary_directory directory;
  const auto path = directory.path() / "store";
  (void)open_lmdb({.path = path}).value();
  using fs::perms;
  const auto all_may_read = perms::owner_all | perms::group_read | perms::others_read;
  for (const auto& each : {directory.path(), path, path / "journal", path / "read_models"}) {
    fs::permissions(each, all_may_read | perms::group_exec | perms::others_exec);
  }
  const auto as_another_user = [&] {
    return in_child([&] {
      constexpr uid_t nobody = 65'534;
      if (::setgroups(0, nullptr) != 0 || ::setgid(nobody) != 0 || ::setuid(nobody) != 0) return 2;
      const auto reader = open_lmdb({.path = path, .read_only = true});
      if (reader) return reader->journal->head() && reader->read_models->snapshot("m") ? 0 : 3;
      const auto& why = reader.error();
      return why.code() == errc::permission && why.message().find("lock.mdb") != std::string::npos ? 1 : 4;
    });
  };
  CHECK(as_another_user() == 1);
  for (const auto* each : {"journal", "read_models"}) {
    fs::permissions(path / each / "lock.mdb", all_may_read | perms::others_write);
  }
  CHECK(as_another_user() == 0);
}

TEST_CASE("A storage with a relative path stays in place when the program goes to another directory") {
  const temporary_directory directory;
  CHECK(in_child([&] {
          if (::chdir(directory.path().c_str()) != 0) return 1;
          const auto store = open_lmdb({.path = "store"});
          if (!store || ::chdir("/") != 0) return 2;
          return append_one(*store->journal, write_of("order|1")) ? 0 : 3;
        }) == 0);
  CHECK(open_lmdb({.path = directory.path() / "store"}).value().journal->head().value() == 1);
}

TEST_CASE("The lock files have their space on disk before anything is written to them through memory") {
  const temporary_directory directory;
  const auto check = [&] {
    for (const auto* each : {"journal", "read_models"}) {
      struct stat status {};
      REQUIRE(::stat((directory.path() / each / "lock.mdb").c_str(), &status) == 0);
      CHECK(status.st_size >= 64 * 1'024);
      CHECK(status.st_blocks * 512 >= status.st_size);
    }
  };
  auto store = open_lmdb({.path = directory.path()}).value();
  check();
  store = {};
  for (const auto* each : {"journal", "read_models"}) {  // as earlier versions have left it
    fs::resize_file(directory.path() / each / "lock.mdb", 0);
    fs::resize_file(directory.path() / each / "lock.mdb", 65'728);
  }
  store = open_lmdb({.path = directory.path()}).value();
  check();
}

TEST_CASE("A map of no size or of more than all addresses is refused, with the range") {
  const temporary_directory directory;
  for (const std::uint64_t bytes : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{65'535},
                                    (std::uint64_t{1} << 47) + 1, ~std::uint64_t{0} - 65'534, ~std::uint64_t{0}}) {
    INFO(bytes);
    const auto refused = open_lmdb({.path = directory.path() / "store", .map_bytes = bytes});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code() == errc::invalid_argument);
    CHECK_THAT(refused.error().message(), Catch::Contains("map_bytes is " + std::to_string(bytes)) &&
                                              Catch::Contains("from 65536 to 140737488355328"));
  }
  CHECK(list_files(directory.path()).empty());
}

TEST_CASE("A map for which there are no addresses left is refused, and the message names map_bytes") {
  const temporary_directory directory;
  const auto refused = open_lmdb({.path = directory.path(), .map_bytes = std::uint64_t{1} << 47});
#ifdef __x86_64__
  REQUIRE_FALSE(refused);
#endif
  if (refused) {
    WARN("skipped: this machine has more addresses");
    return;
  }
  CHECK_THAT(refused.error().message(), Catch::Contains("smaller map_bytes"));
}

TEST_CASE("A process that may not write large files is told so when its journal has grown so far, and goes on") {
  const temporary_directory directory;
  CHECK(in_child([&] {
          limit_file_size(1 << 20);
          const auto store = open_lmdb({.path = directory.path(), .mode = durability::relaxed});
          if (!store) return 1;
          for (int i = 0; i < 1'000; ++i) {
            auto write = write_of("order|1");
            write->events.front().payload.assign(10'000, 'x');
            const auto appended = append_and_wait(*store->journal, {{write}, {}});
            if (appended) continue;
            if (appended.error().code() != errc::full) return 2;
            if (appended.error().message().find("RLIMIT_FSIZE") == std::string::npos) return 3;
            if (i < 10) return 4;
            sigset_t pending;
            ::sigpending(&pending);
            if (sigismember(&pending, SIGXFSZ) != 0) return 5;
            sigset_t blocked;
            ::pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
            if (sigismember(&blocked, SIGXFSZ) != 0) return 6;
            limit_file_size(RLIM_INFINITY);
            return append_one(*store->journal, write_of("order|1")) ? 0 : 7;
          }
          return 8;
        }) == 0);
  CHECK(open_lmdb({.path = directory.path()}).value().journal->head());
}

TEST_CASE("A process that may not write a storage's files at all is told so when it opens one") {
  const temporary_directory directory;
  CHECK(in_child([&] {
          limit_file_size(4'096);
          const auto store = open_lmdb({.path = directory.path()});
          return !store && store.error().message().find("RLIMIT_FSIZE") != std::string::npos ? 0 : 1;
        }) == 0);
  CHECK(open_lmdb({.path = directory.path()}));
}

TEST_CASE("What a program prints after it has closed its standard descriptors does not get into the storage") {
  const temporary_directory directory;
  const std::string text = "printed to a descriptor that is closed";
  const auto print = [&] {
    for (int number = 0; number <= 2; ++number) {
      if (::write(number, text.data(), text.size()) >= 0) return false;
    }
    return true;
  };
  CHECK(in_child([&] {
          for (int number = 0; number <= 2; ++number) ::close(number);
          auto store = open_lmdb({.path = directory.path()});
          if (!store || !print()) return 1;
          if (!append_one(*store->journal, write_of("order|1", 2)) || !print()) return 2;
          if (!store->read_models->commit("m", {{"a", "1"}}, {1}) || !print()) return 3;
          const auto reader = open_lmdb({.path = directory.path(), .read_only = true});
          if (!reader || !backup(*store, directory.path() / "copy") || !print()) return 4;
          if (!compact(*store) || !print()) return 5;
          return reader->journal->head().value() == 2 && print() ? 0 : 6;
        }) == 0);
  for (const auto& file : list_files(directory.path())) {
    INFO(file);
    if (fs::is_regular_file(directory.path() / file)) {
      CHECK(read_file(directory.path() / file).find(text) == std::string::npos);
    }
  }
  CHECK(positions_of(read_all(*open_lmdb({.path = directory.path()}).value().journal)) == positions{1, 2});
}

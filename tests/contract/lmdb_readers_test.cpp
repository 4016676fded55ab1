// Readers beside a live writer, in the same and in another process, see new events and survive folds.
#include <lmdb.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "lmdb_support.hpp"
#include "support/catch.hpp"

using namespace tyto;
using namespace tyto::test;

namespace {

// A process that holds read transactions on the journal in `directory` until it is killed.
class holding_process {
 public:
  explicit holding_process(const std::filesystem::path& directory, int reads = 1) {
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    process_ = fork();
    REQUIRE(process_ >= 0);
    if (process_ == 0) {
      auto opened = open_lmdb({.path = directory, .read_only = true});
      if (opened) {
        const std::function<void(int)> hold = [&](int more) {
          (void)opened->journal->read_all({}, [&](const event_view&) {
            if (more > 1) hold(more - 1);
            if (write(ends[1], "x", 1) != 1) _exit(1);
            for (;;) pause();
            return visit::stop;
          });
        };
        hold(reads);
      }
      _exit(1);
    }
    close(ends[1]);
    char ready = 0;
    const auto heard = read(ends[0], &ready, 1);
    close(ends[0]);
    REQUIRE(heard == 1);
  }
  ~holding_process() { die(); }
  holding_process(const holding_process&) = delete;

  [[nodiscard]] pid_t id() const { return process_; }
  holding_process& operator=(const holding_process&) = delete;

  void die() {
    if (process_ <= 0) return;
    kill(process_, SIGKILL);
    waitpid(std::exchange(process_, 0), nullptr, 0);
  }

 private:
  pid_t process_ = 0;
};

// How many readers LMDB has on its list for the journal, living and dead. Another process looks, for LMDB must not be
// opened twice in one.
int listed_readers(const std::filesystem::path& directory) {
  const auto looking = fork();
  REQUIRE(looking >= 0);
  if (looking == 0) {
    MDB_env* env = nullptr;
    if (mdb_env_create(&env) != 0) _exit(100);
    if (mdb_env_open(env, (directory / "journal").c_str(), MDB_RDONLY, 0644) != 0) _exit(101);
    int lines = 0;
    const auto count = [](const char* line, void* to) {
      for (; *line != '\0'; ++line) *static_cast<int*>(to) += *line == '\n' ? 1 : 0;
      return 0;
    };
    mdb_reader_list(env, count, &lines);
    _exit(lines - 1);  // the first is a heading
  }
  int status = 0;
  REQUIRE(waitpid(looking, &status, 0) == looking);
  REQUIRE(WIFEXITED(status));
  return WEXITSTATUS(status);
}

}  // namespace

TEST_CASE("A reader in the writer's process follows it through appends and folds") {
  const temporary_directory directory;
  const auto writer = open_lmdb({.path = directory.path(), .fold_events = 3}).value();
  const auto reader = open_lmdb({.path = directory.path(), .read_only = true}).value();
  positions one;
  std::uint64_t head = 0;
  for (int i = 0; i < 20; ++i) {
    append_all(*writer.journal, {write_of("order|1"), write_of("order|" + std::to_string(i + 2))});
    one.push_back(head + 1);
    head += 2;
    CHECK(reader.journal->head().value() == head);
    CHECK(reader.journal->info("order|1").value().version == one.size());
    CHECK(positions_of(read_stream(*reader.journal, "order|1")) == one);
    CHECK(read_all(*reader.journal).size() == head);
    writer.read_models->commit("m", {{"count", std::to_string(i)}}, {head}).value();
    CHECK(reader.read_models->snapshot("m").value()->position() == head);
  }
}

TEST_CASE("A reader may outlive the writer, and the next writer begins beside it") {
  const temporary_directory directory;
  auto writer = open_lmdb({.path = directory.path(), .fold_events = 3}).value();
  const auto reader = open_lmdb({.path = directory.path(), .read_only = true}).value();
  for (std::uint64_t round = 1; round <= 5; ++round) {
    append_all(*writer.journal, {write_of("order|1", 2)});
    writer = {};
    CHECK(reader.journal->info("order|1").value().version == round * 2);
    writer = open_lmdb({.path = directory.path(), .fold_events = 3}).value();
    CHECK(writer.journal->info("order|1").value().version == round * 2);
  }
}

TEST_CASE("A reader follows writers in other processes through appends and folds") {
  const temporary_directory directory;
  run_store_program("append", directory.path(), "order|1", 2);
  const auto reader = open_lmdb({.path = directory.path(), .read_only = true}).value().journal;
  std::uint64_t head = 2;
  for (const int events : {1, 1, 4, 1, 7, 2, 1, 1}) {
    run_store_program("append", directory.path(), events == 4 ? "order|2" : "order|1", events);
    head += static_cast<std::uint64_t>(events);
    CHECK(reader->head().value() == head);
    const auto version = events == 4 || head > 8 ? head - 4 : head;
    CHECK(reader->info("order|1").value().version == (head == 8 ? 4 : version));
    CHECK(read_stream(*reader, "order|1").size() == (head == 8 ? 4 : version));
    CHECK(read_all(*reader).size() == head);
  }
  CHECK(positions_of(read_stream(*reader, "order|2")) == positions{5, 6, 7, 8});
}

TEST_CASE("Another process reads a live writer's events") {
  const temporary_directory directory;
  const auto writer = open_lmdb({.path = directory.path(), .fold_events = 3}).value();
  for (std::uint64_t i = 1; i <= 7; ++i) {
    append_all(*writer.journal, {write_of("order|1")});
    const auto number = std::to_string(i);
    CHECK(run_store_program("read", directory.path(), "order|1") == "version " + number + " head " + number + "\n");
  }
}

TEST_CASE("Snapshots beyond LMDB's number of readers are refused until some are given back") {
  const temporary_directory directory;
  const auto store = open_lmdb({.path = directory.path()}).value();
  store.read_models->commit("m", {{"a", "1"}}, {0}).value();
  std::vector<std::unique_ptr<row_snapshot>> held;
  for (;;) {
    auto snapshot = store.read_models->snapshot("m");
    if (!snapshot) {
      CHECK(snapshot.error().code() == errc::overloaded);
      break;
    }
    held.push_back(*std::move(snapshot));
    REQUIRE(held.size() < 5000);
  }
  CHECK(held.size() > 1000);
  held.pop_back();
  CHECK(store.read_models->snapshot("m"));
}

TEST_CASE("More read models than an environment can hold are refused in words") {
  const temporary_directory directory;
  const auto store = open_lmdb({.path = directory.path(), .mode = durability::relaxed}).value();
  result<void> committed;
  int count = 0;
  for (; committed && count < 2000; ++count)
    committed = store.read_models->commit("m" + std::to_string(count), {}, {0});
  REQUIRE_FALSE(committed);
  CHECK(committed.error().code() == errc::full);
  CHECK(count > 1000);
  CHECK(store.read_models->commit("m0", {{"a", "1"}}, {0}));
}

TEST_CASE("A reader that was killed is forgotten by who opens next, a living one is not") {
  const temporary_directory directory;
  run_store_program("append", directory.path(), "order|1", 2);
  const holding_process living{directory.path()};
  {
    holding_process killed{directory.path()};
    killed.die();
  }
  REQUIRE(listed_readers(directory.path()) == 2);
  REQUIRE(open_lmdb({.path = directory.path()}));
  CHECK(listed_readers(directory.path()) == 1);
}

TEST_CASE("Where readers have taken all places and are killed, who is reading already can read on") {
  const temporary_directory directory;
  run_store_program("append", directory.path(), "order|1");
  holding_process others{directory.path(), 1'000};
  const auto store = open_lmdb({.path = directory.path(), .read_only = true}).value();
  const auto first_only = [](const event_view&) { return visit::stop; };
  bool is_full = false;
  const std::function<void()> read_more = [&] {
    const auto read = store.journal->read_all({}, [&](const event_view&) {
      read_more();
      return visit::stop;
    });
    if (read || is_full) return;
    is_full = true;
    CHECK(read.error().code() == errc::overloaded);
    others.die();
    CHECK(store.journal->read_all({}, first_only));
  };
  read_more();
  CHECK(is_full);
}

TEST_CASE("A writer notices while it runs that a reading process was killed") {
  const temporary_directory directory;
  run_store_program("append", directory.path(), "order|1");
  holding_process reader{directory.path()};  // it must not inherit a store that is open
  const auto writer = open_lmdb({.path = directory.path(), .mode = durability::relaxed}).value();
  const auto with_reader = listed_readers(directory.path());
  reader.die();
  CHECK(listed_readers(directory.path()) == with_reader);  // LMDB does not know
  for (int i = 0; i < 300; ++i) append_all(*writer.journal, {write_of("order|1")});
  CHECK(listed_readers(directory.path()) == with_reader - 1);
}

TEST_CASE("A reader that lags is told of with its process, how far it is behind and what it holds, until it ends") {
  const temporary_directory directory;
  const auto store = open_lmdb({.path = directory.path(), .mode = durability::relaxed, .fold_events = 1}).value();
  constexpr std::uint64_t commits = 50;
  const auto commit = [&] {
    for (std::uint64_t i = 0; i < commits; ++i) {
      append_one(*store.journal, write_of("order|1")).value();
      store.read_models->commit("m", {{"a", std::to_string(i)}}, {1}).value();
    }
  };
  commit();
  CHECK(store.journal->condition().files);
  CHECK_FALSE(store.journal->condition().slowest_reader);

  holding_process other{directory.path()};
  commit();
  const auto slowest = store.journal->condition().slowest_reader;
  REQUIRE(slowest);
  CHECK(slowest->process == other.id());
  CHECK(slowest->commits_behind == commits);
  CHECK(slowest->bytes_held >= commits * 4'096);
  CHECK_FALSE(store.read_models->condition().slowest_reader);
  other.die();
  CHECK_FALSE(store.journal->condition().slowest_reader);

  auto snapshot = store.read_models->snapshot("m").value();
  commit();
  REQUIRE(store.read_models->condition().slowest_reader);
  CHECK(store.read_models->condition().slowest_reader->process == ::getpid());
  snapshot.reset();
  CHECK_FALSE(store.read_models->condition().slowest_reader);
}

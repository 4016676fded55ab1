// Compaction: the bytes of removed events go, and nothing else changes, whoever reads or appends meanwhile and whatever
// ends it half-way.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "lmdb_support.hpp"
#include "support/catch.hpp"

using namespace tyto;
using namespace tyto::test;

namespace {

using action = retention::action;

const std::filesystem::path compacting = "journal.compacting";

// All that can be read of a journal, as text to compare.
std::vector<std::string> content_of(const event_store& store, const std::set<std::string>& streams) {
  std::vector<std::string> lines;
  const auto add = [&](const seen_event& event) {
    const auto& m = event.meta;
    lines.push_back(std::to_string(m.position) + " " + m.persistence_id + " " + std::to_string(m.sequence_number) +
                    " " + m.type + " " + event.payload);
  };
  for (const auto& event : read_all(store)) add(event);
  for (const auto& id : streams) {
    const auto known = store.info(id).value();
    lines.push_back(id + " " + std::to_string(known.first) + " " + std::to_string(known.version) + " " +
                    std::to_string(static_cast<int>(known.state)) + " " + known.base);
    for (const auto& event : read_stream(store, id)) add(event);
  }
  lines.push_back("head " + std::to_string(store.head().value()));
  std::vector<seen_event> ignored;
  lines.push_back("end " + std::to_string(store.read_all({}, collect(ignored)).value()));
  lines.push_back("billing " + std::to_string(store.load_checkpoint("billing").value()));
  return lines;
}

std::shared_ptr<stream_write> large_write_of(std::string id, std::size_t events = 1, std::size_t bytes = 1000) {
  auto write = write_of(std::move(id), events);
  for (auto& event : write->events) event.payload.assign(bytes, 'x');
  return write;
}

// A thousand events of a kilobyte, of ten streams taking turns.
void write_thousand(event_store& store) {
  for (int round = 0; round < 10; ++round) {
    std::vector<std::shared_ptr<stream_write>> writes;
    for (int i = 0; i < 100; ++i) writes.push_back(large_write_of("order|" + std::to_string(i % 10)));
    append_all(store, writes);
  }
}

const std::set<std::string> ten_orders = {"order|0", "order|1", "order|2", "order|3", "order|4",
                                          "order|5", "order|6", "order|7", "order|8", "order|9"};

}  // namespace

TEST_CASE("After a compaction everything reads as before, and the journal takes less space") {
  const std::uint64_t fold_events = GENERATE(3, 700, 100'000);
  INFO("fold_events: " << fold_events);
  const temporary_directory directory;
  lmdb_options options{.path = directory.path(), .mode = durability::relaxed, .fold_events = fold_events};
  std::vector<std::string> before;
  {
    const auto store = open_lmdb(options).value();
    write_thousand(*store.journal);
    append_and_wait(*store.journal, {{}, {{"billing", 77}}}).value();
    for (const char* id : {"order|1", "order|4", "order|5", "order|6", "order|7"}) {
      change(*store.journal, id, action::remove).value();
    }
    change(*store.journal, "order|2", action::truncate, 51, "half").value();
    change(*store.journal, "order|3", action::truncate, 101, "all").value();
    change(*store.journal, "order|8", action::close).value();
    before = content_of(*store.journal, ten_orders);

    const auto compacted = compact(store).value();
    CHECK(compacted.bytes_after * 10 < compacted.bytes_before * 5);
    CHECK(compacted.bytes_after == store.journal->size_bytes().value());
    CHECK(content_of(*store.journal, ten_orders) == before);
    CHECK_FALSE(std::filesystem::exists(directory.path() / compacting));
  }
  for (const bool read_only : {true, false}) {
    options.read_only = read_only;
    CHECK(content_of(*open_lmdb(options).value().journal, ten_orders) == before);
  }
  const auto store = open_lmdb(options).value().journal;
  const auto next = write_of("order|3", 2, expected_version::exactly(100));
  append_one(*store, next).value();
  CHECK(next->events[0].meta.position == 1001);
  CHECK(next->events[1].meta.sequence_number == 102);
  CHECK(numbers_of(read_stream(*store, "order|3")) == std::vector<std::uint64_t>{101, 102});
  CHECK(append_one(*store, write_of("order|1")).error().code() == errc::closed);
}

TEST_CASE("A journal in LMDB that is compacted again and again reads like one in memory that never is") {
  const std::uint64_t fold_events = GENERATE(1, 3, 20, 1000);
  const unsigned seed = GENERATE(1u, 2u, 3u, 4u);
  INFO("fold_events " << fold_events << ", seed " << seed);
  std::mt19937 random{seed};
  const auto pick = [&](std::uint64_t most) { return std::uniform_int_distribution<std::uint64_t>{0, most}(random); };
  const temporary_directory directory;
  const lmdb_options options{.path = directory.path(), .mode = durability::relaxed, .fold_events = fold_events};
  const lmdb_options reading{.path = directory.path(), .read_only = true, .fold_events = fold_events};

  const auto model = open_memory().journal;
  std::set<std::string> streams;
  auto store = open_lmdb(options).value();
  auto reader = open_lmdb(reading).value().journal;
  for (int step = 0; step < 60; ++step) {
    INFO("step " << step);
    append_batch batch;
    for (auto n = pick(4); n > 0; --n) {
      const auto id = "s|" + std::string(pick(9) + 1, 'x');
      streams.insert(id);
      auto write = write_of(id, pick(2) + 1);
      if (pick(4) == 0) write->retain = retention{action::truncate, pick(12), "base " + std::to_string(step)};
      if (pick(40) == 0) write->retain = retention{pick(1) == 0 ? action::close : action::remove, 0, {}};
      batch.writes.push_back(write);
    }
    batch.checkpoints.push_back({"billing", pick(100)});
    auto same = batch;
    for (auto& write : same.writes) write = std::make_shared<stream_write>(*write);
    append_and_wait(*model, std::move(same)).value();
    append_and_wait(*store.journal, std::move(batch)).value();
    if (pick(4) == 0) compact(store).value();
    if (pick(9) == 0) {
      store = {};
      store = open_lmdb(options).value();
    }
    const auto expected = content_of(*model, streams);
    REQUIRE(content_of(*store.journal, streams) == expected);
    if (pick(2) == 0) REQUIRE(content_of(*reader, streams) == expected);
  }
}

TEST_CASE("Positions of removed events at the journal's end are not used again") {
  const temporary_directory directory;
  auto store =
      open_lmdb({.path = directory.path(), .fold_events = GENERATE(std::uint64_t{2}, std::uint64_t{100})}).value();
  append_all(*store.journal, {write_of("order|1", 3), write_of("order|2", 4)});
  store.read_models->commit("m", {{"a", "1"}}, {7}).value();
  change(*store.journal, "order|2", action::remove).value();
  for (int i = 0; i < 2; ++i) {
    compact(store).value();
    CHECK(store.journal->head().value() == 7);
    store = {};
    store = open_lmdb({.path = directory.path()}).value();  // the read models are not ahead of it
    CHECK(store.journal->head().value() == 7);
    std::vector<seen_event> seen;
    CHECK(store.journal->read_all({.from = 5}, collect(seen)).value() == 7);
    CHECK(seen.empty());
  }
  append_one(*store.journal, write_of("order|3")).value();
  CHECK(positions_of(read_all(*store.journal)) == positions{1, 2, 3, 8});
  CHECK(run_store_program("read", directory.path(), "order|3") == "version 1 head 8\n");
}

TEST_CASE("A journal of which everything was removed, and one that never held anything, can be compacted") {
  const temporary_directory directory;
  auto store = open_lmdb({.path = directory.path()}).value();
  compact(store).value();
  CHECK(store.journal->head().value() == 0);
  append_all(*store.journal, {write_of("order|1", 3)});
  change(*store.journal, "order|1", action::remove).value();
  compact(store).value();
  compact(store).value();
  CHECK(read_all(*store.journal).empty());
  CHECK(store.journal->info("order|1").value().version == 3);
  append_all(*store.journal, {write_of("order|2", 1)});
  CHECK(positions_of(read_all(*store.journal)) == positions{4});
}

TEST_CASE("Compacting again takes the removed events of both times out") {
  const temporary_directory directory;
  const auto store = open_lmdb({.path = directory.path(), .mode = durability::relaxed}).value();
  write_thousand(*store.journal);
  std::uint64_t last = compact(store).value().bytes_after;
  for (const auto& id : ten_orders) {
    change(*store.journal, id, action::truncate, 91).value();
    const auto before = content_of(*store.journal, ten_orders);
    const auto compacted = compact(store).value();
    CHECK(compacted.bytes_after < last);
    CHECK(content_of(*store.journal, ten_orders) == before);
    last = compacted.bytes_after;
  }
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;
  const std::filesystem::path copy = directory.path() / "copy";
  std::filesystem::create_directory(copy);
  std::filesystem::copy_file(directory.path() / "journal" / "data.mdb", copy / "data.mdb");
  with_raw_table(copy, "removed", MDB_INTEGERKEY, [&](MDB_txn* txn, MDB_dbi dbi) {
    MDB_stat stat{};
    mdb_stat(txn, dbi, &stat);
    CHECK(stat.ms_entries == 1);  // the first ninety of each: neighbours are one range
  });
}

TEST_CASE("A reader that is under way reads on in the old journal to its end, and the next sees the new one") {
  const temporary_directory directory;
  const auto store = open_lmdb({.path = directory.path(), .fold_events = 3}).value();
  append_all(*store.journal, {write_of("order|1", 5), write_of("order|2", 5)});
  std::vector<std::uint64_t> seen;
  const auto end = store.journal->read_all({}, [&](const event_view& event) {
    if (event.meta.position == 2) {
      change(*store.journal, "order|2", action::truncate, 3).value();
      compact(store).value();
      append_all(*store.journal, {write_of("order|1")});
      CHECK(positions_of(read_all(*store.journal)) == positions{1, 2, 3, 4, 5, 8, 9, 10, 11});
    }
    seen.push_back(event.meta.position);
    return visit::next;
  });
  CHECK(end.value() == 10);
  CHECK(seen == positions{1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
}

TEST_CASE("A reader that was opened before follows, also past compactions that it did not see") {
  const temporary_directory directory;
  const lmdb_options reading{.path = directory.path(), .read_only = true, .fold_events = 3};
  const auto write_and_compact = [&](const storage& store, int rounds) {
    for (int i = 0; i < rounds; ++i) {
      append_all(*store.journal, {write_of("order|1"), write_of("order|2", 3)});
      const auto version = store.journal->info("order|2").value().version;
      change(*store.journal, "order|2", action::truncate, version).value();
      compact(store).value();
    }
  };
  auto store = open_lmdb({.path = directory.path(), .fold_events = 3}).value();
  append_all(*store.journal, {write_of("order|1")});
  const auto early = open_lmdb(reading).value();  // looks only at the end: its journal was replaced many times then
  CHECK(read_all(*early.journal).size() == 1);
  for (int i = 1; i <= 5; ++i) {
    const auto reader = open_lmdb(reading).value();
    write_and_compact(store, 1);
    CHECK(reader.journal->head().value() == store.journal->head().value());
    CHECK(content_of(*reader.journal, ten_orders) == content_of(*store.journal, ten_orders));
    write_and_compact(store, 3);
    CHECK(reader.journal->info("order|2").value().first == static_cast<std::uint64_t>(i * 12));
    backup(reader, directory.path() / ("copy" + std::to_string(i))).value();
    store = {};
    store = open_lmdb({.path = directory.path(), .fold_events = 3}).value();  // beside the readers of older files
  }
  CHECK(content_of(*early.journal, ten_orders) == content_of(*store.journal, ten_orders));
  const auto copied = open_lmdb({.path = directory.path() / "copy5"}).value();
  CHECK(content_of(*copied.journal, ten_orders) == content_of(*store.journal, ten_orders));
}

TEST_CASE("A reader follows a compaction by another process") {
  const temporary_directory directory;
  run_store_program("append", directory.path(), "order|1", 4);
  {
    const auto store = open_lmdb({.path = directory.path()}).value();
    change(*store.journal, "order|1", action::truncate, 3).value();
  }
  const auto reader = open_lmdb({.path = directory.path(), .read_only = true, .fold_events = 3}).value().journal;
  CHECK(positions_of(read_all(*reader)) == positions{3, 4});
  for (std::uint64_t head = 5; head < 10; ++head) {
    CHECK(run_store_program("compact", directory.path(), "order|1") ==
          "version " + std::to_string(head - 1) + " head " + std::to_string(head - 1) + "\n");
    run_store_program("append", directory.path(), "order|1");
    CHECK(reader->head().value() == head);
    CHECK(reader->info("order|1").value().version == head);
    CHECK(read_stream(*reader, "order|1").size() == head - 2);
    CHECK(reader->size_bytes());
  }
}

TEST_CASE("A reader whose journal was replaced by another one says so") {
  const temporary_directory directory;
  run_store_program("append", directory.path() / "a", "order|1");
  run_store_program("append", directory.path() / "b", "order|1");
  const auto reader = open_lmdb({.path = directory.path() / "a", .read_only = true}).value().journal;
  std::filesystem::rename(directory.path() / "a" / "journal", directory.path() / "old");
  CHECK_FALSE(reader->head());
  std::filesystem::rename(directory.path() / "b" / "journal", directory.path() / "a" / "journal");
  CHECK(reader->head().error().code() == errc::foreign);
}

TEST_CASE("Threads that append and read beside compactions see no error and lose nothing") {
  const temporary_directory directory;
  const lmdb_options options{.path = directory.path(), .mode = durability::relaxed, .fold_events = 50};
  auto store = open_lmdb(options).value();
  auto following = options;
  following.read_only = true;
  const auto reader = open_lmdb(following).value();
  std::atomic<bool> done = false;
  std::atomic<std::uint64_t> rounds = 0;
  std::atomic<std::uint64_t> wrong = 0;
  std::map<std::string, std::uint64_t> first_kept;
  // Each round adds two events to order|1, which stay, and three to another stream, which is cut at times.
  std::thread appender{[&] {
    while (!done) {
      const auto other = "order|" + std::to_string(rounds % 7 + 2);
      append_all(*store.journal, {write_of("order|1", 2), large_write_of(other, 3)});
      const auto version = store.journal->info(other).value().version;
      if (rounds % 5 == 0) {
        change(*store.journal, other, action::truncate, version).value();
        first_kept[other] = version;
      }
      append_and_wait(*store.journal, {{}, {{"billing", rounds}}}).value();
      ++rounds;
    }
  }};
  const auto watch = [&](const event_store& journal) {
    std::uint64_t least = 0;
    std::uint64_t last_checkpoint = 0;
    while (!done) {
      const auto one = read_stream(journal, "order|1");
      for (std::size_t i = 0; i < one.size(); ++i) wrong += one[i].meta.sequence_number != i + 1;
      wrong += one.size() % 2 != 0;
      wrong += one.size() < least;
      least = one.size();
      const auto all = read_all(journal, one.empty() ? 1 : one.back().meta.position);
      for (std::size_t i = 1; i < all.size(); ++i) wrong += all[i].meta.position <= all[i - 1].meta.position;
      const auto checkpoint = journal.load_checkpoint("billing").value();
      wrong += checkpoint > rounds || checkpoint < last_checkpoint;
      last_checkpoint = checkpoint;
      wrong += journal.info("order|1").value().version < least;
    }
  };
  std::thread first_watcher{[&] { watch(*store.journal); }};
  std::thread second_watcher{[&] { watch(*reader.journal); }};
  for (int i = 0; i < 12; ++i) {
    const auto before = rounds.load();
    compact(store).value();
    while (rounds < before + 10) std::this_thread::yield();
  }
  done = true;
  appender.join();
  first_watcher.join();
  second_watcher.join();
  CHECK(wrong == 0);
  CHECK(read_stream(*store.journal, "order|1").size() == rounds * 2);
  CHECK(store.journal->head().value() == rounds * 5);
  CHECK(store.journal->load_checkpoint("billing").value() == rounds - 1);
  for (const auto& [id, first] : first_kept) CHECK(store.journal->info(id).value().first == first);
  const auto before = content_of(*store.journal, ten_orders);
  CHECK(content_of(*reader.journal, ten_orders) ==
        before);  // it has the writer's files open now, whatever it saw before
  store = {};
  CHECK(content_of(*reader.journal, ten_orders) == before);
  CHECK(content_of(*open_lmdb(options).value().journal, ten_orders) == before);
}

TEST_CASE("A compaction while a fold is half done loses nothing of it") {
  const temporary_directory directory;
  const lmdb_options options{.path = directory.path(), .fold_events = 40};
  auto store = open_lmdb(options).value();
  std::vector<std::shared_ptr<stream_write>> writes;
  std::set<std::string> streams;
  for (int i = 10; i < 50; ++i) writes.push_back(write_of(*streams.insert("s|" + std::to_string(i)).first));
  append_all(*store.journal, writes);
  append_all(*store.journal, {write_of("s|10")});  // folds a few of them
  change(*store.journal, "s|10", action::truncate, 2).value();
  change(*store.journal, "s|11", action::remove).value();
  const auto before = content_of(*store.journal, streams);
  compact(store).value();
  CHECK(content_of(*store.journal, streams) == before);
  store = {};
  store = open_lmdb(options).value();
  CHECK(content_of(*store.journal, streams) == before);
  for (int i = 0; i < 60; ++i) append_all(*store.journal, {write_of("s|10")});
  CHECK(read_stream(*store.journal, "s|10").size() == 61);
  compact(store).value();
  CHECK(positions_of(read_stream(*store.journal, "s|12")) == positions{3});
}

TEST_CASE("What a crash left of a compaction is removed by the next writer, not by readers") {
  const temporary_directory directory;
  run_store_program("append", directory.path(), "order|1", 3);
  const auto left_over = directory.path() / compacting;
  SECTION("an unfinished copy") { write_file(left_over / "data.mdb", std::string(20'000, 'x')); }
  SECTION("the old journal, after the exchange") {
    std::filesystem::copy(directory.path() / "journal", left_over, std::filesystem::copy_options::recursive);
  }
  CHECK(open_lmdb({.path = directory.path(), .read_only = true}).value().journal->head().value() == 3);
  CHECK(std::filesystem::exists(left_over));
  const auto store = open_lmdb({.path = directory.path()}).value();
  CHECK_FALSE(std::filesystem::exists(left_over));
  compact(store).value();
  CHECK(store.journal->head().value() == 3);
  CHECK_FALSE(std::filesystem::exists(left_over));
}

namespace {

// A process that compacts a journal over and over.
class compacting_process {
 public:
  explicit compacting_process(const lmdb_options& options) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    process_ = ::fork();
    REQUIRE(process_ >= 0);
    if (process_ == 0) {
      const auto store = open_lmdb(options);
      while (store && compact(*store) && ::write(ends[1], "x", 1) == 1) continue;
      ::_exit(1);
    }
    ::close(ends[1]);
    done_ = ends[0];
  }
  ~compacting_process() {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
    ::close(done_);
  }
  compacting_process(const compacting_process&) = delete;
  compacting_process& operator=(const compacting_process&) = delete;

  // Waits until a compaction has come to its end.
  void wait_for_one() const {
    char done = 0;
    REQUIRE(::read(done_, &done, 1) == 1);
  }

 private:
  pid_t process_ = 0;
  int done_ = -1;
};

}  // namespace

TEST_CASE("A process that is killed while it compacts, at whatever moment, leaves a whole journal") {
  const temporary_directory directory;
  const lmdb_options options{.path = directory.path(), .mode = durability::relaxed, .fold_events = 300};
  std::vector<std::string> before;
  std::uint64_t bytes = 0;
  {
    const auto store = open_lmdb(options).value();
    write_thousand(*store.journal);
    for (const char* id : {"order|1", "order|4", "order|5"}) change(*store.journal, id, action::remove).value();
    before = content_of(*store.journal, ten_orders);
    bytes = compact(store).value().bytes_after;
  }
  const auto copied_bytes = [&] {
    std::error_code ignored;
    const auto size = std::filesystem::file_size(directory.path() / compacting / "data.mdb", ignored);
    return ignored ? 0 : size;
  };
  for (std::uint64_t part = 0; part < 12; ++part) {
    INFO("killed when it had copied " << part << " of 12 parts, or a little later");
    {
      const compacting_process process{options};
      if (part % 3 == 0) process.wait_for_one();
      while (copied_bytes() < std::max<std::uint64_t>(bytes * part / 12, 1)) std::this_thread::yield();
    }
    CHECK(content_of(*open_lmdb({.path = directory.path(), .read_only = true}).value().journal, ten_orders) == before);
    if (part % 2 == 0) continue;  // what is left is the next process's
    CHECK(content_of(*open_lmdb(options).value().journal, ten_orders) == before);
    CHECK_FALSE(std::filesystem::exists(directory.path() / compacting));
  }
}

TEST_CASE("A compaction that finds no room leaves the journal as it was, says why, and can be tried again") {
  const temporary_directory directory;
  const auto store = open_lmdb({.path = directory.path()}).value();
  write_thousand(*store.journal);
  change(*store.journal, "order|1", action::remove).value();
  const auto before = content_of(*store.journal, ten_orders);

  rlimit unlimited{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &unlimited) == 0);
  const rlimit limited{300'000, unlimited.rlim_max};
  const auto previous = std::signal(SIGXFSZ, SIG_IGN);
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &limited) == 0);
  const auto refused = compact(store);
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &unlimited) == 0);
  std::signal(SIGXFSZ, previous);

  REQUIRE_FALSE(refused);
  CHECK(refused.error().message().find("the journal is as it was") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(directory.path() / compacting));
  append_all(*store.journal, {write_of("order|2")});
  compact(store).value();
  CHECK(content_of(*store.journal, ten_orders).size() == before.size() + 2);
}

TEST_CASE("A damaged journal is not compacted, and the damaged event is named") {
  const temporary_directory directory;
  {
    const auto store = open_lmdb({.path = directory.path(), .fold_events = 4}).value();
    append_all(*store.journal, {write_of("order|1", 5), write_of("order|2", 5)});
    append_all(*store.journal, {write_of("order|1")});  // ends the fold
    change(*store.journal, "order|2", action::truncate, 3).value();
  }
  std::string where = "position 3";
  SECTION("an event") {
    change_record(directory.path(), 3, [](std::string& bytes) { bytes.back() ^= 1; });
  }
  SECTION("an event that is missing") {
    with_raw_table(directory.path() / "journal", "events", MDB_INTEGERKEY, [](MDB_txn* txn, MDB_dbi dbi) {
      std::uint64_t position = 3;
      MDB_val key{sizeof position, &position};
      REQUIRE(mdb_del(txn, dbi, &key, nullptr) == 0);
    });
  }
  SECTION("what is known to be removed") {
    put_raw(directory.path() / "journal", "retention", "order|2", std::string(40, 'x'));
    where = "order|2";
  }
  const auto store = open_lmdb({.path = directory.path()}).value();
  const auto refused = compact(store);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == errc::damaged);
  CHECK(refused.error().message().find(where) != std::string::npos);
  CHECK(read_stream(*store.journal, "order|1", 4).size() == 3);
  CHECK_FALSE(std::filesystem::exists(directory.path() / compacting));
}

TEST_CASE("In a compacted journal a missing event is damage, and one that was removed is not") {
  const temporary_directory directory;
  {
    const auto store = open_lmdb({.path = directory.path(), .fold_events = 6}).value();
    append_all(*store.journal, {write_of("order|1", 2), write_of("order|2", 3), write_of("order|1", 5)});
    change(*store.journal, "order|2", action::remove).value();
    compact(store).value();
  }
  const auto erase = [&](const char* table, std::uint64_t number) {
    with_raw_table(directory.path() / "journal", table, MDB_INTEGERKEY, [&](MDB_txn* txn, MDB_dbi dbi) {
      MDB_val key{sizeof number, &number};
      REQUIRE(mdb_del(txn, dbi, &key, nullptr) == 0);
    });
  };
  const auto read_error = [&](std::uint64_t from) {
    const auto store = open_lmdb({.path = directory.path(), .read_only = true}).value().journal;
    return store->read_all({.from = from}, [](const event_view&) { return visit::next; }).error();
  };
  SECTION("the event before the gap") {
    erase("events", 2);
    CHECK(read_error(1).code() == errc::damaged);
    CHECK(read_error(1).doing().find("position 2") != std::string::npos);
  }
  SECTION("the event after the gap") {
    erase("events", 6);
    for (const std::uint64_t from : {1, 3, 4, 6}) {
      CHECK(read_error(from).code() == errc::damaged);
      CHECK(read_error(from).doing().find("position 6") != std::string::npos);
    }
  }
  SECTION("the range that explains the gap") {
    erase("removed", 3);
    CHECK(read_error(1).code() == errc::damaged);
    CHECK(read_error(1).doing().find("position 3") != std::string::npos);
  }
}

TEST_CASE("An event that is missing before removed ones at the journal's end is damage") {
  const temporary_directory directory;
  {
    const auto store = open_lmdb({.path = directory.path(), .fold_events = 3}).value();
    append_all(*store.journal, {write_of("order|1", 4), write_of("order|2", 3)});
    change(*store.journal, "order|2", action::remove).value();
    compact(store).value();
  }
  with_raw_table(directory.path() / "journal", "events", MDB_INTEGERKEY, [](MDB_txn* txn, MDB_dbi dbi) {
    std::uint64_t number = 4;
    MDB_val key{sizeof number, &number};
    REQUIRE(mdb_del(txn, dbi, &key, nullptr) == 0);
  });
  const auto store = open_lmdb({.path = directory.path(), .read_only = true}).value().journal;
  const auto read = store->read_all({}, [](const event_view&) { return visit::next; });
  CHECK(read.error().code() == errc::damaged);
  CHECK(read.error().doing().find("position 4") != std::string::npos);
}

TEST_CASE("A damaged event whose stream lost those before it stops nobody else") {
  const temporary_directory directory;
  {
    const auto store = open_lmdb({.path = directory.path()}).value();
    append_all(*store.journal, {write_of("order|1", 5), write_of("order|2", 5)});
    change(*store.journal, "order|1", action::truncate, 4).value();
    compact(store).value();
  }
  change_record(directory.path(), 4, [](std::string& bytes) { bytes.back() ^= 1; });
  const bool read_only = GENERATE(true, false);
  const auto store = open_lmdb({.path = directory.path(), .read_only = read_only}).value().journal;
  CHECK(store->info("order|1").value().version == 5);
  CHECK(numbers_of(read_stream(*store, "order|1", 5)) == std::vector<std::uint64_t>{5});
  CHECK(store->read_stream("order|1", 1, [](const event_view&) { return visit::next; }).error().code() ==
        errc::damaged);
  CHECK(read_stream(*store, "order|2").size() == 5);
}

TEST_CASE("Only storage in LMDB that is open for writing can be compacted") {
  const temporary_directory directory;
  CHECK(compact(open_memory()).error().code() == errc::invalid_argument);
  run_store_program("append", directory.path(), "order|1");
  const auto before = list_files(directory.path());
  const auto reader = open_lmdb({.path = directory.path(), .read_only = true}).value();
  CHECK(compact(reader).error().code() == errc::permission);
  CHECK(list_files(directory.path()) == before);
}

// Losing power at any moment loses nothing that was acknowledged, and never half of a batch: what a journal writes is
// recorded, and for many moments the file is made that would be left if some of what was not yet synced is lost. Also
// where the disk fails before: what it has not taken then is lost for good.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "contract/store_support.hpp"
#include "disk_recorder.hpp"
#include "support/catch.hpp"

using namespace tyto;
using namespace tyto::test;

namespace {

std::string content_of(const std::filesystem::path& file) {
  std::ostringstream content;
  content << std::ifstream{file, std::ios::binary}.rdbuf();
  return content.str();
}

// What was appended while it was recorded.
struct history {
  std::string before;
  std::vector<disk_operation> operations;
  std::vector<std::string> streams;  // of each position, from 1
  std::set<std::uint64_t> batch_ends = {0};
};

bool asks_to_reopen(const error& why) {
  return why.message().find("close the storage and open it again") != std::string::npos;
}

// Appends until it is done, on a disk that may fail. The journal then ends at `head`: a commit that has failed while
// its last page was written may be there when the storage is opened again.
void append_at_last(storage& store, const lmdb_options& options, const append_batch& batch, std::uint64_t head) {
  for (int attempt = 0; attempt < 200; ++attempt) {
    const auto appended = append_and_wait(*store.journal, batch);
    if (appended) return;
    if (!asks_to_reopen(appended.error())) continue;
    store = {};
    for (auto opened = open_lmdb(options); !store.journal; opened = open_lmdb(options)) {
      if (opened) store = *std::move(opened);
    }
    if (store.journal->head().value() == head) return;
  }
  FAIL("every attempt has failed");
}

history append_batches(int batches, durability mode, std::mt19937& random, disk_failures failures = {}) {
  const auto pick = [&](int most) { return std::uniform_int_distribution<int>{0, most}(random); };
  const temporary_directory directory;
  const lmdb_options options{.path = directory.path(), .mode = mode, .fold_events = 20};
  auto store = open_lmdb(options).value();
  history past;
  past.before = content_of(directory.path() / "journal" / "data.mdb");
  bool is_failing = false;
  disk_recorder recorder{directory.path() / "journal" / "data.mdb",
                         [&](const disk_call& call) { return is_failing && failures ? failures(call) : 0; }};
  for (int i = 0; i < batches; ++i) {
    if (i % 20 == 19) {
      store = {};
      store = open_lmdb(options).value();
    }
    append_batch batch;
    for (int n = pick(5); n >= 0; --n) {
      auto write = write_of("order|" + std::to_string(pick(15)), static_cast<std::size_t>(pick(2) + 1));
      // Some need pages of their own.
      for (auto& event : write->events) event.payload.assign(static_cast<std::size_t>(pick(9) == 0 ? 9000 : 100), 'x');
      past.streams.insert(past.streams.end(), write->events.size(), write->persistence_id);
      batch.writes.push_back(std::move(write));
    }
    batch.checkpoints.push_back({"consumer", past.streams.size()});
    is_failing = true;
    append_at_last(store, options, batch, past.streams.size());
    is_failing = false;
    past.batch_ends.insert(past.streams.size());
    recorder.acknowledge(past.streams.size());
  }
  past.operations = recorder.operations();
  return past;
}

std::size_t count_of(disk_operation::kind what, const history& past) {
  return static_cast<std::size_t>(std::count_if(past.operations.begin(), past.operations.end(),
                                                [what](const disk_operation& each) { return each.what == what; }));
}

// How many events must be there after the first `count` operations. A relaxed append is safe once a later sync is done.
std::uint64_t promised(const history& past, durability mode, std::size_t count) {
  std::uint64_t acknowledged = 0;
  std::uint64_t safe = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const auto& operation = past.operations[i];
    if (operation.what == disk_operation::kind::acknowledge) acknowledged = operation.offset;
    if (operation.what == disk_operation::kind::sync) safe = acknowledged;
  }
  return mode == durability::synced ? acknowledged : safe;
}

void check(const std::string& content, const history& past, std::uint64_t least, bool read_only) {
  const temporary_directory directory;
  std::filesystem::create_directory(directory.path() / "journal");
  std::ofstream{directory.path() / "journal" / "data.mdb", std::ios::binary} << content;
  const auto opened =
      open_lmdb({.path = directory.path(), .read_only = read_only, .mode = durability::relaxed, .fold_events = 20});
  if (!opened) FAIL(opened.error().message());
  const auto& journal = *opened->journal;

  const auto head = journal.head().value();
  REQUIRE(head >= least);
  REQUIRE(past.batch_ends.count(head) == 1);
  REQUIRE(journal.load_checkpoint("consumer").value() == head);
  std::map<std::string, positions> streams;
  for (std::uint64_t position = 1; position <= head; ++position) {
    streams[past.streams[position - 1]].push_back(position);
  }
  const auto all = read_all(journal);
  REQUIRE(all.size() == head);
  for (std::size_t i = 0; i < all.size(); ++i) REQUIRE(all[i].meta.persistence_id == past.streams[i]);
  for (const auto& [id, places] : streams) {
    REQUIRE(journal.info(id).value().version == places.size());
    REQUIRE(positions_of(read_stream(journal, id)) == places);
  }
  if (!read_only) REQUIRE(append_one(*opened->journal, write_of("order|1")));
}

}  // namespace

// Loses power after each operation.
void check_all(const history& past, durability mode, const std::vector<double>& parts_kept, std::mt19937& random) {
  const watched_disk without_syncs{[](const disk_call& call, const perform_call& perform) {
    return call.what == disk_call::kind::sync ? 0 : perform(whole_call);
  }};
  for (std::size_t count = 0; count <= past.operations.size(); ++count) {
    const auto least = promised(past, mode, count);
    for (const double kept : parts_kept) {
      INFO(name(mode) << ", after " << count << " of " << past.operations.size() << " operations, keeping " << kept);
      check(after_power_loss(past.before, past.operations, count, kept, random), past, least, count % 10 != 0);
    }
  }
}

TEST_CASE("Losing power at any moment loses no promised event and splits no batch") {
  const auto mode = GENERATE(durability::synced, durability::relaxed);
  const unsigned seed = GENERATE(1u, 2u);
  INFO("seed " << seed);
  std::mt19937 random{seed};
  const auto past = append_batches(60, mode, random);
  REQUIRE(count_of(disk_operation::kind::sync, past) >= 60);  // else the recorder misses what LMDB calls
  check_all(past, mode, {0.0, 0.5, 0.9}, random);
}

TEST_CASE("Losing power after syncs and writes have failed loses no promised event and splits no batch") {
  const auto mode = GENERATE(durability::synced, durability::relaxed);
  const int code = GENERATE(EIO, ENOSPC);
  const unsigned seed = GENERATE(1u, 3u);
  INFO("seed " << seed << ": " << std::strerror(code));
  std::mt19937 random{seed};
  const auto past = append_batches(30, mode, random, [&, failing = std::mt19937{seed}](const disk_call& call) mutable {
    const bool is_sync = call.what == disk_call::kind::sync;
    return std::bernoulli_distribution{is_sync ? 0.3 : 0.1}(failing) ? code : 0;
  });
  REQUIRE(count_of(disk_operation::kind::failed_sync, past) > 5);
  if (mode == durability::synced) REQUIRE(count_of(disk_operation::kind::failed_write, past) > 0);
  check_all(past, mode, {code == EIO ? 0.0 : 0.5}, random);
}

TEST_CASE("Rows that were synced survive losing power at any later moment") {
  constexpr std::uint64_t commits = 40;
  const temporary_directory directory;
  const auto file = directory.path() / "read_models" / "data.mdb";
  std::mt19937 random{3};
  std::string before;
  std::vector<disk_operation> operations;
  {
    const auto store = open_lmdb({.path = directory.path()}).value();
    append_all(*store.journal, {write_of("order|1", commits)});
    store.read_models->commit("m", {{"a", "0"}}, {}).value();
    store.read_models->sync().value();
    before = content_of(file);
    disk_recorder recorder{file};
    for (std::uint64_t i = 1; i <= commits; ++i) {
      store.read_models->commit("m", {{"a", std::to_string(i)}}, {i, {{i}, {i, 1}}, "shape"}).value();
      if (i % 2 == 1) continue;
      store.read_models->sync().value();
      recorder.acknowledge(i);
    }
    operations = recorder.operations();
  }
  std::uint64_t synced = 0;
  for (std::size_t count = 0; count <= operations.size(); ++count) {
    INFO("after " << count << " of " << operations.size() << " operations");
    if (count > 0 && operations[count - 1].what == disk_operation::kind::acknowledge) {
      synced = operations[count - 1].offset;
    }
    std::ofstream{file, std::ios::binary} << after_power_loss(before, operations, count, 0.5, random);
    const auto rows = open_lmdb({.path = directory.path()}).value().read_models->snapshot("m").value();
    const auto& [position, released, shape] = rows->checkpoint();
    REQUIRE(position >= synced);
    if (position > 0) REQUIRE(released == std::vector<delivery_id>{{position}, {position, 1}});
    REQUIRE(rows->get("a").value() == std::to_string(position));
  }
  CHECK(synced == commits);
}

TEST_CASE("The recorder sees what is written: without a loss the file is as it was left") {
  std::mt19937 random{7};
  const auto past = append_batches(60, durability::synced, random);
  check(after_power_loss(past.before, past.operations, past.operations.size(), 1, random), past, past.streams.size(),
        false);
}

#include "consumer/partition.hpp"

#include <string>

#include "support/catch.hpp"
#include "tyto/memory_store.hpp"

using namespace tyto;
using namespace tyto::detail;

namespace {

void put(event_store& journal, std::vector<checkpoint> checkpoints) {
  REQUIRE(append_and_wait(journal, {{}, std::move(checkpoints)}));
}

void append(event_store& journal, int events) {
  auto write = std::make_shared<stream_write>();
  write->persistence_id = "order|1";
  for (int i = 0; i < events; ++i) {
    auto& event = write->events.emplace_back();
    event.meta.type = "order.created";
    event.payload = "\x80";
  }
  REQUIRE(append_and_wait(journal, {{write}, {}}).value().at(0));
}

}  // namespace

TEST_CASE("Every key belongs to exactly one partition, and all of them get some") {
  std::vector<int> keys(4);
  for (int i = 0; i < 1'000; ++i) {
    const auto key = "order|" + std::to_string(i);
    int owners = 0;
    for (std::size_t part = 0; part < 4; ++part) {
      if (!partition{part, 4}.has(key)) continue;
      ++owners;
      ++keys[part];
    }
    REQUIRE(owners == 1);
  }
  for (const auto each : keys) CHECK(each > 150);
  CHECK(partition{}.has("anything"));
}

TEST_CASE("A key's partition is the same for ever") {
  // What is stored rests on it: these must not change.
  CHECK(partition{0, 4}.has("order|1"));
  CHECK(partition{5, 7}.has("order|1"));
}

TEST_CASE("A reaction that is to start at the end does so once, and goes on from there even if nothing has come") {
  const auto journal = open_memory().journal;
  CHECK(split_checkpoints(*journal, "early", 1, start_from::end).value().empty());
  append(*journal, 7);
  CHECK(split_checkpoints(*journal, "early", 1, start_from::end).value().empty());
  CHECK(journal->load_checkpoint("early").value() == 0);  // it was there before they came

  CHECK(split_checkpoints(*journal, "late", 2, start_from::end).value().empty());
  append(*journal, 2);
  CHECK(split_checkpoints(*journal, "late", 2, start_from::end).value().empty());
  CHECK(journal->load_checkpoint("late#0/2").value() == 7);
  CHECK(journal->load_checkpoint("late#1/2").value() == 7);

  put(*journal, {{"known", 3}});
  split_checkpoints(*journal, "known", 1, start_from::end).value();
  CHECK(journal->load_checkpoint("known").value() == 3);
  split_checkpoints(*journal, "new", 1).value();
  CHECK(journal->load_checkpoint("new").value() == 0);
}

TEST_CASE("After a change, a part passes over what the earlier part of the key was done with") {
  const std::vector<std::string> keys{"order|1", "order|2", "order|3", "order|4", "order|5"};
  const std::vector<std::uint64_t> before{30, 20};
  for (const auto& key : keys) {
    const auto done = before[partition_of(key, 2)];
    int taken = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      const partition part{i, 3, before};
      CHECK_FALSE(part.takes(key, done));
      taken += part.takes(key, done + 1) ? 1 : 0;
    }
    CHECK(taken == 1);
    CHECK_FALSE(partition{0, 1, before}.takes(key, done));
    CHECK(partition{0, 1, before}.takes(key, done + 1));
  }
}

TEST_CASE("How far the earlier parts were is known until the slowest part has passed that") {
  const auto journal = open_memory().journal;
  using before = std::vector<std::uint64_t>;
  CHECK(split_checkpoints(*journal, "billing", 2).value().empty());
  put(*journal, {{"billing#0/2", 30}, {"billing#1/2", 20}});
  CHECK(split_checkpoints(*journal, "billing", 3).value() == before{30, 20});
  put(*journal, {{"billing#0/3", 40}, {"billing#1/3", 29}, {"billing#2/3", 50}});
  CHECK(split_checkpoints(*journal, "billing", 3).value() == before{30, 20});
  put(*journal, {{"billing#1/3", 30}});
  CHECK(split_checkpoints(*journal, "billing", 3).value().empty());
  CHECK(split_checkpoints(*journal, "billing", 1).value() == before{40, 30, 50});
}

TEST_CASE("When the number of partitions changes, all begin where the slowest one was") {
  const auto journal = open_memory().journal;
  put(*journal, {{"billing", 10}});
  split_checkpoints(*journal, "billing", 1).value();
  CHECK(journal->load_checkpoint("billing").value() == 10);

  split_checkpoints(*journal, "billing", 2).value();
  CHECK(journal->load_checkpoint("billing#0/2").value() == 10);
  put(*journal, {{"billing#0/2", 30}, {"billing#1/2", 20}});
  split_checkpoints(*journal, "billing", 2).value();
  CHECK(journal->load_checkpoint("billing#0/2").value() == 30);

  split_checkpoints(*journal, "billing", 3).value();
  for (const auto* name : {"billing#0/3", "billing#1/3", "billing#2/3"}) {
    CHECK(journal->load_checkpoint(name).value() == 20);
  }
  put(*journal, {{"billing#0/3", 50}, {"billing#1/3", 40}, {"billing#2/3", 60}});
  split_checkpoints(*journal, "billing", 1).value();
  CHECK(journal->load_checkpoint("billing").value() == 40);
}

TEST_CASE("How far a consumer is that nobody registers is read from the checkpoints of its last partitions") {
  const auto positions = positions_of_consumers({{"billing", 3},   // when it had one partition
                                                 {"billing#", 2},  // it has two
                                                 {"billing#0/2", 9},
                                                 {"billing#1/2", 8},
                                                 {"billing#0/4", 1},  // once it had four
                                                 {"billing#before", 4},
                                                 {"late#", 2},
                                                 {"late#0/2", 7},  // the other one has not begun
                                                 {"plain", 5}});
  CHECK(positions == std::map<std::string, std::uint64_t>{{"billing", 8}, {"late", 0}, {"plain", 5}});
}

// Readers beside a live writer, in the same and in another process, see new events and survive folds.
#include <catch2/catch.hpp>

#include "lmdb_support.hpp"

using namespace tyto;
using namespace tyto::test;

TEST_CASE("a reader in the writer's process follows it through appends and folds") {
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
    CHECK(reader.journal->stream_version("order|1").value() == one.size());
    CHECK(positions_of(read_stream(*reader.journal, "order|1")) == one);
    CHECK(read_all(*reader.journal).size() == head);
    writer.read_models->commit("m", {{"count", std::to_string(i)}}, head).value();
    CHECK(reader.read_models->snapshot("m").value()->position() == head);
  }
}

TEST_CASE("a reader may outlive the writer, and the next writer begins beside it") {
  const temporary_directory directory;
  auto writer = open_lmdb({.path = directory.path(), .fold_events = 3}).value();
  const auto reader = open_lmdb({.path = directory.path(), .read_only = true}).value();
  for (std::uint64_t round = 1; round <= 5; ++round) {
    append_all(*writer.journal, {write_of("order|1", 2)});
    writer = {};
    CHECK(reader.journal->stream_version("order|1").value() == round * 2);
    writer = open_lmdb({.path = directory.path(), .fold_events = 3}).value();
    CHECK(writer.journal->stream_version("order|1").value() == round * 2);
  }
}

TEST_CASE("a reader follows writers in other processes through appends and folds") {
  const temporary_directory directory;
  run_store_program("append", directory.path(), "order|1", 2);
  const auto reader = open_lmdb({.path = directory.path(), .read_only = true}).value().journal;
  std::uint64_t head = 2;
  for (const int events : {1, 1, 4, 1, 7, 2, 1, 1}) {
    run_store_program("append", directory.path(), events == 4 ? "order|2" : "order|1", events);
    head += static_cast<std::uint64_t>(events);
    CHECK(reader->head().value() == head);
    const auto version = events == 4 || head > 8 ? head - 4 : head;
    CHECK(reader->stream_version("order|1").value() == (head == 8 ? 4 : version));
    CHECK(read_stream(*reader, "order|1").size() == (head == 8 ? 4 : version));
    CHECK(read_all(*reader).size() == head);
  }
  CHECK(positions_of(read_stream(*reader, "order|2")) == positions{5, 6, 7, 8});
}

TEST_CASE("another process reads a live writer's events") {
  const temporary_directory directory;
  const auto writer = open_lmdb({.path = directory.path(), .fold_events = 3}).value();
  for (std::uint64_t i = 1; i <= 7; ++i) {
    append_all(*writer.journal, {write_of("order|1")});
    const auto number = std::to_string(i);
    CHECK(run_store_program("read", directory.path(), "order|1") == "version " + number + " head " + number + "\n");
  }
}

TEST_CASE("snapshots beyond LMDB's number of readers are refused until some are given back") {
  const temporary_directory directory;
  const auto store = open_lmdb({.path = directory.path()}).value();
  store.read_models->commit("m", {{"a", "1"}}, 0).value();
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

TEST_CASE("more read models than an environment can hold are refused in words") {
  const temporary_directory directory;
  const auto store = open_lmdb({.path = directory.path(), .mode = durability::relaxed}).value();
  result<void> committed;
  int count = 0;
  for (; committed && count < 2000; ++count) committed = store.read_models->commit("m" + std::to_string(count), {}, 0);
  REQUIRE_FALSE(committed);
  CHECK(committed.error().code() == errc::full);
  CHECK(count > 1000);
  CHECK(store.read_models->commit("m0", {{"a", "1"}}, 0));
}

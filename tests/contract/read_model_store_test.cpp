// The contract of every store of read models.
#include <thread>

#include "store_support.hpp"
#include "support/catch.hpp"

using namespace tyto;
using namespace tyto::test;

namespace {

#define OVER_EVERY_STORE()                                    \
  const auto kind = GENERATE(backend::memory, backend::lmdb); \
  INFO("store: " << describe(kind));                          \
  const fresh_store fresh{kind};                              \
  auto& store = *fresh.opened.read_models

using rows = std::vector<std::pair<std::string, std::string>>;

rows scan(const row_reader& reader, std::string_view from = {}) {
  rows seen;
  reader
      .scan(from,
            [&](std::string_view key, std::string_view value) {
              seen.emplace_back(key, value);
              return visit::next;
            })
      .value();
  return seen;
}

rows scan_back(const row_reader& reader, std::string_view before = {}) {
  rows seen;
  reader
      .scan_back(before,
                 [&](std::string_view key, std::string_view value) {
                   seen.emplace_back(key, value);
                   return visit::next;
                 })
      .value();
  return seen;
}

}  // namespace

TEST_CASE("A read model that was never committed is empty at position 0") {
  OVER_EVERY_STORE();
  const auto snapshot = store.snapshot("revenue").value();
  CHECK(snapshot->position() == 0);
  CHECK(scan(*snapshot).empty());
  CHECK(scan_back(*snapshot).empty());
  CHECK(snapshot->count().value() == 0);
  CHECK_FALSE(snapshot->get("alice").value());
}

TEST_CASE("Rows and position are committed together and read back") {
  OVER_EVERY_STORE();
  store.commit("revenue", {{"alice", "1"}, {"bob", ""}}, {7}).value();
  store.commit("revenue", {{"alice", "2"}, {"carol", "3"}, {"bob", std::nullopt}, {"nobody", std::nullopt}}, {9})
      .value();
  const auto snapshot = store.snapshot("revenue").value();
  CHECK(snapshot->position() == 9);
  CHECK(snapshot->get("alice").value() == "2");
  CHECK_FALSE(snapshot->get("bob").value());
  CHECK(scan(*snapshot) == rows{{"alice", "2"}, {"carol", "3"}});
}

TEST_CASE(
    "Dead letters that were handled and the rows' shape are committed with the rows, and each commit says it anew") {
  OVER_EVERY_STORE();
  const auto checkpoint_of = [&](std::string_view name) { return store.snapshot(name).value()->checkpoint(); };
  CHECK(checkpoint_of("revenue") == row_checkpoint{});
  store.commit("revenue", {{"alice", "1"}}, {7}).value();
  CHECK(checkpoint_of("revenue") == row_checkpoint{7});
  const row_checkpoint second{7, {{3}, {4, 0}, {4, 2}}, "string; index city: string"};
  store.commit("revenue", {{"alice", "2"}}, second).value();
  store.commit("other", {}, {5, {}, "abcd"}).value();
  const auto before = store.snapshot("revenue").value();
  CHECK(before->shape() == second.shape);
  store.commit("revenue", {}, {8, {{1}}}).value();
  CHECK(before->checkpoint() == second);
  CHECK(before->get("alice").value() == "2");
  CHECK(checkpoint_of("other") == row_checkpoint{5, {}, "abcd"});
  CHECK(checkpoint_of("revenue") == row_checkpoint{8, {{1}}});
}

TEST_CASE("Read models can be synced at any time, and stay as they are") {
  OVER_EVERY_STORE();
  store.sync().value();
  store.commit("revenue", {{"alice", "1"}}, {7, {{3}}}).value();
  store.sync().value();
  store.sync().value();
  const auto snapshot = store.snapshot("revenue").value();
  CHECK(snapshot->checkpoint() == row_checkpoint{7, {{3}}});
  CHECK(snapshot->get("alice").value() == "1");
}

TEST_CASE("A snapshot keeps what it saw while others commit") {
  OVER_EVERY_STORE();
  store.commit("revenue", {{"alice", "1"}}, {1}).value();
  const auto before = store.snapshot("revenue").value();
  const auto other = store.snapshot("not.yet").value();
  std::thread{[&] {
    store.commit("revenue", {{"alice", "2"}, {"bob", "2"}}, {2}).value();
    store.commit("not.yet", {{"x", "y"}}, {2}).value();
  }}.join();
  CHECK(before->position() == 1);
  CHECK(scan(*before) == rows{{"alice", "1"}});
  CHECK(scan(*other).empty());
  const auto after = store.snapshot("revenue").value();
  CHECK(after->position() == 2);
  CHECK(scan(*after) == rows{{"alice", "2"}, {"bob", "2"}});
  CHECK(store.snapshot("not.yet").value()->position() == 2);
}

TEST_CASE("Read models do not see each other's rows") {
  OVER_EVERY_STORE();
  store.commit("a", {{"key", "of a"}}, {1}).value();
  store.commit("ab", {{"key", "of ab"}}, {2}).value();
  store.commit("checkpoints", {{"key", "of checkpoints"}}, {3}).value();
  CHECK(store.snapshot("a").value()->get("key").value() == "of a");
  CHECK(store.snapshot("a").value()->position() == 1);
  CHECK(store.snapshot("ab").value()->get("key").value() == "of ab");
  CHECK(store.snapshot("checkpoints").value()->get("key").value() == "of checkpoints");
}

TEST_CASE("A scan goes by the keys' bytes, from a key on, until it is stopped") {
  OVER_EVERY_STORE();
  const std::string with_nul("a\0b", 3);
  store.commit("m", {{"b", "4"}, {"a", "1"}, {with_nul, "2"}, {"aa", "3"}, {"\xff", "6"}, {"\x7f", "5"}}, {1}).value();
  const auto snapshot = store.snapshot("m").value();
  CHECK(scan(*snapshot) == rows{{"a", "1"}, {with_nul, "2"}, {"aa", "3"}, {"b", "4"}, {"\x7f", "5"}, {"\xff", "6"}});
  CHECK(scan(*snapshot, "ab") == rows{{"b", "4"}, {"\x7f", "5"}, {"\xff", "6"}});
  CHECK(scan(*snapshot, "b").front() == rows::value_type{"b", "4"});
  CHECK(scan(*snapshot, "\xff\xff").empty());
  int visits = 0;
  snapshot->scan("", [&](auto, auto) { return ++visits == 2 ? visit::stop : visit::next; }).value();
  CHECK(visits == 2);
}

TEST_CASE("A scan back goes against the order of the keys' bytes, from before a key, until it is stopped") {
  OVER_EVERY_STORE();
  store.commit("m", {{"b", "2"}, {"a", "1"}, {"\xff", "4"}, {"c", "3"}}, {1}).value();
  const auto snapshot = store.snapshot("m").value();
  CHECK(scan_back(*snapshot) == rows{{"\xff", "4"}, {"c", "3"}, {"b", "2"}, {"a", "1"}});
  CHECK(scan_back(*snapshot, "c") == rows{{"b", "2"}, {"a", "1"}});
  CHECK(scan_back(*snapshot, "bb") == rows{{"b", "2"}, {"a", "1"}});
  CHECK(scan_back(*snapshot, "\xff\xff") == scan_back(*snapshot));
  CHECK(scan_back(*snapshot, "a").empty());
  int visits = 0;
  snapshot->scan_back("", [&](auto, auto) { return ++visits == 2 ? visit::stop : visit::next; }).value();
  CHECK(visits == 2);
  store.commit("emptied", {{"a", "1"}}, {1}).value();
  store.commit("emptied", {{"a", std::nullopt}}, {2}).value();
  CHECK(scan_back(*store.snapshot("emptied").value(), "b").empty());
}

TEST_CASE("A count is that of the snapshot's rows") {
  OVER_EVERY_STORE();
  store.commit("m", {{"a", "1"}, {"b", "2"}, {"c", "3"}}, {1}).value();
  const auto before = store.snapshot("m").value();
  store.commit("m", {{"a", std::nullopt}, {"b", "20"}, {"nobody", std::nullopt}}, {2}).value();
  CHECK(before->count().value() == 3);
  CHECK(store.snapshot("m").value()->count().value() == 2);
}

TEST_CASE("Keys up to the limit are stored, others and unusable names are refused, and nothing is committed") {
  OVER_EVERY_STORE();
  const std::string longest(max_row_key_bytes, 'k');
  store.commit("m", {{longest, "v"}}, {1}).value();
  CHECK(store.snapshot("m").value()->get(longest).value() == "v");
  CHECK_FALSE(store.snapshot("m").value()->get(longest + "k").value());
  CHECK_FALSE(store.snapshot("m").value()->get("").value());
  for (const auto& key : {std::string{}, longest + "k"}) {
    const auto refused = store.commit("m", {{"a", "1"}, {key, "v"}}, {2});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code() == errc::invalid_argument);
  }
  CHECK(store.snapshot("m").value()->position() == 1);
  CHECK_FALSE(store.snapshot("m").value()->get("a").value());
  for (const auto& name : {std::string{}, std::string(501, 'n'), std::string("a\0b", 3)}) {
    CHECK(store.commit(name, {}, {1}).error().code() == errc::invalid_argument);
    CHECK(store.snapshot(name).error().code() == errc::invalid_argument);
  }
  CHECK(store.commit(std::string(500, 'n'), {{"a", "1"}}, {1}));
}

TEST_CASE("Threads commit and read read models of their own at the same time") {
  OVER_EVERY_STORE();
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, name = "model" + std::to_string(t)] {
      for (std::uint64_t i = 1; i <= 50; ++i) {
        if (!store.commit(name, {{"count", std::to_string(i)}}, {i})) ++wrong;
        const auto snapshot = store.snapshot(name);
        if (!snapshot || (*snapshot)->position() != i || (*snapshot)->get("count").value() != std::to_string(i))
          ++wrong;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(wrong == 0);
}

// The contract of every event store for streams that are closed, truncated and deleted.

#include "store_support.hpp"
#include "support/catch.hpp"

using namespace tyto;
using namespace tyto::test;

namespace {

#define OVER_EVERY_STORE()                                                                 \
  const auto kind = GENERATE(backend::memory, backend::lmdb, backend::lmdb_folding_often); \
  INFO("store: " << describe(kind));                                                       \
  fresh_store fresh{kind};                                                                 \
  auto& store = *fresh.opened.journal

using action = retention::action;

// Ten events of each of two streams, taking turns: order|1 has the odd positions.
void write_twenty(event_store& store) {
  for (int i = 0; i < 10; ++i) append_all(store, {write_of("order|1"), write_of("order|2")});
}

}  // namespace

TEST_CASE("A stream of which nothing is known is open, and begins with number 1") {
  OVER_EVERY_STORE();
  const auto info = store.info("order|1").value();
  CHECK(info.state == stream_state::open);
  CHECK(info.first == 1);
  CHECK(info.version == 0);
}

TEST_CASE("A closed stream takes no more events, and keeps those that it has") {
  OVER_EVERY_STORE();
  write_twenty(store);
  change(store, "order|1", action::close).value();
  const auto refused = append_one(store, write_of("order|1"));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == errc::closed);
  CHECK(refused.error().message().find("order|1") != std::string::npos);
  CHECK(append_one(store, change_of("order|1", action::close)).error().code() == errc::closed);
  CHECK(append_one(store, write_of("order|2")));
  CHECK(store.info("order|1").value().state == stream_state::closed);
  CHECK(read_stream(store, "order|1").size() == 10);
  CHECK(change(store, "order|1", action::truncate, 4));
  CHECK(store.info("order|1").value().state == stream_state::closed);
  CHECK(change(store, "order|1", action::remove));
}

TEST_CASE("A truncated stream begins with the number that it was given, and keeps numbers and positions") {
  OVER_EVERY_STORE();
  write_twenty(store);
  const std::uint64_t first = GENERATE(1, 2, 5, 10, 11);
  INFO("first: " << first);
  change(store, "order|1", action::truncate, first, "what was before").value();

  const auto info = store.info("order|1").value();
  CHECK(info.first == first);
  CHECK(info.version == 10);
  CHECK(info.base == "what was before");
  CHECK(info.state == stream_state::open);
  std::vector<std::uint64_t> left;
  for (auto number = first; number <= 10; ++number) left.push_back(number);
  CHECK(numbers_of(read_stream(store, "order|1")) == left);
  CHECK(numbers_of(read_stream(store, "order|2")).size() == 10);
  CHECK(read_all(store).size() == 10 + left.size());
  for (const auto& event : read_all(store)) {
    const bool is_gone = event.meta.persistence_id == "order|1" && event.meta.sequence_number < first;
    CHECK_FALSE(is_gone);
  }

  const auto next = write_of("order|1", 1, expected_version::exactly(10));
  append_one(store, next).value();
  CHECK(next->events[0].meta.sequence_number == 11);
  CHECK(next->events[0].meta.position == 21);
  CHECK(numbers_of(read_stream(store, "order|1", 11)) == std::vector<std::uint64_t>{11});
}

TEST_CASE("Windows over a truncated stream leave out what is gone") {
  OVER_EVERY_STORE();
  write_twenty(store);
  change(store, "order|1", action::truncate, 5).value();
  const auto window = [&](std::uint64_t from, std::uint64_t to, std::size_t limit) {
    std::vector<std::uint64_t> numbers;
    store
        .read_stream("order|1", from,
                     [&](const event_view& event) {
                       if (event.meta.sequence_number > to) return visit::stop;
                       numbers.push_back(event.meta.sequence_number);
                       return numbers.size() < limit ? visit::next : visit::stop;
                     })
        .value();
    return numbers;
  };
  using numbers = std::vector<std::uint64_t>;
  CHECK(window(1, 3, 100) == numbers{});
  CHECK(window(1, 6, 100) == numbers{5, 6});
  CHECK(window(1, 100, 2) == numbers{5, 6});
  CHECK(window(6, 8, 100) == numbers{6, 7, 8});
  CHECK(window(6, 8, 1) == numbers{6});
  CHECK(window(10, 100, 100) == numbers{10});
  CHECK(window(11, 100, 100) == numbers{});
}

TEST_CASE("A truncation never goes back and never goes beyond the end") {
  OVER_EVERY_STORE();
  write_twenty(store);
  change(store, "order|1", action::truncate, 5, "five").value();
  change(store, "order|1", action::truncate, 3, "three").value();
  CHECK(store.info("order|1").value().first == 5);
  CHECK(store.info("order|1").value().base == "three");
  const auto refused = change(store, "order|1", action::truncate, 12);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == errc::invalid_argument);
  CHECK(store.info("order|1").value().first == 5);
  CHECK(change(store, "order|1", action::truncate, 11));
  CHECK(read_stream(store, "order|1").empty());
}

TEST_CASE("A deleted stream has no events, keeps its version, and takes nothing more") {
  OVER_EVERY_STORE();
  write_twenty(store);
  change(store, "order|1", action::remove).value();
  const auto info = store.info("order|1").value();
  CHECK(info.state == stream_state::deleted);
  CHECK(info.version == 10);
  CHECK(info.first == 11);
  CHECK(read_stream(store, "order|1").empty());
  CHECK(positions_of(read_all(store)) == positions{2, 4, 6, 8, 10, 12, 14, 16, 18, 20});
  CHECK(append_one(store, write_of("order|1")).error().code() == errc::closed);
  for (const auto what : {action::close, action::truncate, action::remove}) {
    CHECK(change(store, "order|1", what).error().code() == errc::closed);
  }
  CHECK(store.head().value() == 20);
}

TEST_CASE("Reading everything ends after removed events, also where they are the last") {
  OVER_EVERY_STORE();
  write_twenty(store);
  append_all(store, {write_of("order|3", 3)});
  change(store, "order|3", action::remove).value();
  std::vector<seen_event> seen;
  CHECK(store.read_all({.from = 19}, collect(seen)).value() == 23);
  CHECK(positions_of(seen) == positions{19, 20});
  CHECK(store.read_all({.from = 22}, collect(seen)).value() == 23);
  CHECK(store.read_all({.from = 24}, collect(seen)).value() == 23);
  CHECK(store.read_all({.from = 99}, collect(seen)).value() == 23);
  CHECK(store.read_all({}, [](const event_view& event) { return event.meta.position == 7 ? visit::stop : visit::next; })
            .value() == 7);
  append_all(store, {write_of("order|2")});
  CHECK(positions_of(read_all(store, 21)) == positions{24});
}

TEST_CASE("Expected versions count removed events") {
  OVER_EVERY_STORE();
  write_twenty(store);
  change(store, "order|1", action::truncate, 11).value();
  using expect = expected_version;
  const auto outcome = [&](std::string id, expect expected) { return append_one(store, write_of(id, 1, expected)); };
  CHECK(outcome("order|1", expect::no_stream()).error().conflict()->actual == 10);
  CHECK(outcome("order|1", expect::exactly(0)).error().conflict()->actual == 10);
  CHECK(outcome("order|1", expect::exactly(9)).error().conflict()->actual == 10);
  CHECK(outcome("order|1", expect::stream_exists()));
  CHECK(outcome("order|1", expect::exactly(11)));

  change(store, "order|2", action::remove).value();
  CHECK(outcome("order|2", expect::exactly(9)).error().code() == errc::conflict);
  CHECK(outcome("order|2", expect::exactly(10)).error().code() == errc::closed);
  CHECK(outcome("order|2", expect::no_stream()).error().code() == errc::conflict);

  const auto conflicting =
      append_one(store, change_of("order|1", action::close, 0, {}, 0, expected_version::exactly(3)));
  CHECK(conflicting.error().conflict()->actual == 12);
  CHECK(store.info("order|1").value().state == stream_state::open);
}

TEST_CASE("A stream may get its last events and its end in one write, and later writes of the batch see it") {
  OVER_EVERY_STORE();
  const auto outcomes = append_all(store, {change_of("order|1", action::close, 0, {}, 2), write_of("order|1"),
                                           change_of("order|2", action::truncate, 3, "base", 3),
                                           change_of("order|3", action::truncate, 3, "base", 1), write_of("order|3"),
                                           change_of("order|4", action::remove, 0, {}, 1), write_of("order|4")});
  REQUIRE(outcomes.size() == 7);
  CHECK(outcomes[0]);
  CHECK(outcomes[1].error().code() == errc::closed);
  CHECK(outcomes[2]);
  CHECK(outcomes[3].error().code() == errc::invalid_argument);
  CHECK(outcomes[4]);
  CHECK(outcomes[5]);
  CHECK(outcomes[6].error().code() == errc::closed);
  CHECK(numbers_of(read_stream(store, "order|1")) == std::vector<std::uint64_t>{1, 2});
  CHECK(numbers_of(read_stream(store, "order|2")) == std::vector<std::uint64_t>{3});
  CHECK(numbers_of(read_stream(store, "order|3")) == std::vector<std::uint64_t>{1});
  CHECK(read_stream(store, "order|4").empty());
  CHECK(store.head().value() == 7);
}

TEST_CASE("A name may be closed or deleted before it was ever used") {
  OVER_EVERY_STORE();
  change(store, "order|1", action::close).value();
  change(store, "order|2", action::remove).value();
  CHECK(append_one(store, write_of("order|1")).error().code() == errc::closed);
  CHECK(append_one(store, write_of("order|2")).error().code() == errc::closed);
  CHECK(store.info("order|2").value().version == 0);
  CHECK(store.head().value() == 0);
}

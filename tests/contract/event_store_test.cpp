// The contract of every event store: run over each implementation, with the same observations expected.
#include <atomic>
#include <thread>

#include "store_support.hpp"
#include "support/catch.hpp"

using namespace tyto;
using namespace tyto::test;

namespace {

// Begins a test case over a fresh store of each kind.
#define OVER_EVERY_STORE()                                                                 \
  const auto kind = GENERATE(backend::memory, backend::lmdb, backend::lmdb_folding_often); \
  INFO("store: " << describe(kind));                                                       \
  const fresh_store fresh{kind};                                                           \
  auto& store = *fresh.opened.journal

}  // namespace

TEST_CASE("A new journal is empty") {
  OVER_EVERY_STORE();
  CHECK(store.head().value() == 0);
  CHECK(store.info("order|1").value().version == 0);
  CHECK(read_all(store).empty());
  CHECK(read_stream(store, "order|1").empty());
  CHECK(store.load_checkpoint("billing").value() == 0);
}

TEST_CASE("Positions count all events from 1 without gaps, sequence numbers those of a stream") {
  OVER_EVERY_STORE();
  const auto first = write_of("order|1", 2);
  append_all(store, {first, write_of("order|2")});
  append_all(store, {});
  append_all(store, {write_of("order|1", 3), write_of("order|3"), write_of("order|2")});
  CHECK(first->events[1].meta.position == 2);
  CHECK(first->events[1].meta.sequence_number == 2);
  CHECK(store.head().value() == 8);
  CHECK(positions_of(read_all(store)) == positions{1, 2, 3, 4, 5, 6, 7, 8});
  CHECK(positions_of(read_stream(store, "order|1")) == positions{1, 2, 4, 5, 6});
  CHECK(positions_of(read_stream(store, "order|2")) == positions{3, 8});
  CHECK(store.info("order|1").value().version == 5);
  std::uint64_t number = 0;
  for (const auto& event : read_stream(store, "order|1")) CHECK(event.meta.sequence_number == ++number);
}

TEST_CASE("All metadata and the payload come back as they were written") {
  OVER_EVERY_STORE();
  auto write = write_of("order|1", 2);
  auto& m = write->events[1].meta;
  m.type = "order.created";
  m.schema_version = 7;
  m.time = timestamp{std::chrono::microseconds{-5}};
  m.command_id = "command";
  m.correlation_id = std::string(0xffff, 'c');
  m.causation_id = "billing/41";
  m.tags = {"a", "", std::string("x\0y", 3), std::string(300, 't')};
  write->events[1].payload = "\x81\xa1x\x01";
  append_one(store, write).value();

  const auto events = read_stream(store, "order|1");
  REQUIRE(events.size() == 2);
  const auto& back = events[1].meta;
  CHECK(back.position == 2);
  CHECK(back.persistence_id == "order|1");
  CHECK(back.sequence_number == 2);
  CHECK(back.type == "order.created");
  CHECK(back.schema_version == 7);
  CHECK(back.time == m.time);
  CHECK(back.command_id == "command");
  CHECK(back.correlation_id == m.correlation_id);
  CHECK(back.causation_id == "billing/41");
  CHECK(back.tags == m.tags);
  CHECK(back.decision_index == 1);
  CHECK(back.decision_count == 2);
  CHECK(events[1].payload == "\x81\xa1x\x01");
  CHECK(events[0].meta.tags.empty());
  CHECK(events[0].meta.command_id.empty());
}

TEST_CASE("A visit's metadata is that of its own event, whatever came before it") {
  OVER_EVERY_STORE();
  auto tagged = write_of("order|1");
  tagged->events[0].meta.tags = {"one", "two", "three"};
  tagged->events[0].meta.causation_id = "cause";
  auto retagged = write_of("order|1");
  retagged->events[0].meta.tags = {"four"};
  append_all(store, {tagged, write_of("order|1"), retagged});
  const auto events = read_all(store);
  CHECK(events[0].meta.tags == tagged->events[0].meta.tags);
  CHECK(events[1].meta.tags.empty());
  CHECK(events[1].meta.causation_id.empty());
  CHECK(events[2].meta.tags == std::vector<std::string>{"four"});
}

TEST_CASE("A write whose expected version does not hold is a conflict that names the actual version") {
  OVER_EVERY_STORE();
  append_all(store, {write_of("order|1", 3)});
  using expect = expected_version;
  const auto outcome = [&](const char* id, expect expected) { return append_one(store, write_of(id, 1, expected)); };

  const auto too_low = outcome("order|1", expect::exactly(2));
  REQUIRE_FALSE(too_low);
  CHECK(too_low.error().code() == errc::conflict);
  CHECK(too_low.error().conflict()->actual == 3);
  CHECK(too_low.error().message().find("order|1") != std::string::npos);
  CHECK(outcome("order|1", expect::exactly(4)).error().conflict()->actual == 3);
  CHECK(outcome("order|1", expect::no_stream()).error().conflict()->actual == 3);
  CHECK(outcome("order|2", expect::stream_exists()).error().conflict()->actual == 0);
  CHECK(outcome("order|2", expect::exactly(1)).error().conflict()->actual == 0);
  CHECK(store.head().value() == 3);

  CHECK(outcome("order|1", expect::exactly(3)));
  CHECK(outcome("order|1", expect::stream_exists()));
  CHECK(outcome("order|2", expect::no_stream()));
  CHECK(outcome("order|3", expect::exactly(0)));
  CHECK(outcome("order|3", expect::any()));
  CHECK(store.head().value() == 8);
}

TEST_CASE("A write sees the earlier writes of its batch, and a conflict leaves only itself out") {
  OVER_EVERY_STORE();
  using expect = expected_version;
  const auto outcomes =
      append_all(store, {write_of("order|1", 2, expect::no_stream()),  //
                         write_of("order|1", 1, expect::no_stream()),  //
                         write_of("order|1", 1, expect::exactly(2)),   //
                         write_of("order|2", 4, expect::stream_exists()), write_of("order|2", 1, expect::no_stream())});
  REQUIRE(outcomes.size() == 5);
  CHECK(outcomes[0]);
  CHECK(outcomes[1].error().conflict()->actual == 2);
  CHECK(outcomes[2]);
  CHECK(outcomes[3].error().conflict()->actual == 0);
  CHECK(outcomes[4]);
  CHECK(positions_of(read_stream(store, "order|1")) == positions{1, 2, 3});
  CHECK(positions_of(read_stream(store, "order|2")) == positions{4});
}

TEST_CASE("The events of one write carry their place in it") {
  OVER_EVERY_STORE();
  append_all(store, {write_of("order|1", 3), write_of("order|1")});
  const auto events = read_stream(store, "order|1");
  for (std::uint32_t i = 0; i < 3; ++i) {
    CHECK(events[i].meta.decision_index == i);
    CHECK(events[i].meta.decision_count == 3);
  }
  CHECK(events[3].meta.decision_index == 0);
  CHECK(events[3].meta.decision_count == 1);
}

TEST_CASE("Reading begins where it is told to and ends when the visitor stops") {
  OVER_EVERY_STORE();
  for (int i = 0; i < 10; ++i) append_all(store, {write_of("order|1"), write_of("order|2")});
  CHECK(positions_of(read_all(store, 18)) == positions{18, 19, 20});
  CHECK(read_all(store, 21).empty());
  CHECK(read_all(store, ~std::uint64_t{0}).empty());
  CHECK(positions_of(read_all(store, 0)).size() == 20);
  for (std::uint64_t from = 1; from <= 10; ++from) {
    const auto events = read_stream(store, "order|2", from);
    REQUIRE(events.size() == 11 - from);
    CHECK(events.front().meta.position == from * 2);
  }
  CHECK(read_stream(store, "order|2", 0).size() == 10);
  CHECK(read_stream(store, "order|2", 11).empty());
  CHECK(read_stream(store, "order|2", ~std::uint64_t{0}).empty());

  int visits = 0;
  const auto stop_at_fourth = [&](const event_view&) { return ++visits == 4 ? visit::stop : visit::next; };
  CHECK(store.read_all({}, stop_at_fourth));
  CHECK(visits == 4);
  visits = 0;
  CHECK(store.read_stream("order|1", 2, stop_at_fourth));
  CHECK(visits == 4);
}

TEST_CASE("A range by type and category visits those events alone, and says how far it has come") {
  OVER_EVERY_STORE();
  for (int i = 0; i < 5; ++i) {
    auto paid = write_of("order|1", 2);
    paid->events[1].meta.type = "test.paid";
    append_all(store, {paid, write_of("invoice|1")});
  }
  const auto read = [&](const journal_range& range) {
    std::vector<seen_event> seen;
    const auto end = store.read_all(range, collect(seen)).value();
    return std::pair{positions_of(seen), end};
  };
  using found = std::pair<positions, std::uint64_t>;
  CHECK(read({.only = {{"test.paid"}, {}}}) == found{{2, 5, 8, 11, 14}, 15});
  CHECK(read({.only = {{}, {"invoice"}}}) == found{{3, 6, 9, 12, 15}, 15});
  CHECK(read({.from = 5, .only = {{"test.happened"}, {"order"}}}) == found{{7, 10, 13}, 15});
  CHECK(read({.only = {{"test.paid"}, {"invoice"}}}) == found{{}, 15});
  CHECK(read({.from = 16, .only = {{"test.paid"}, {}}}) == found{{}, 15});
}

TEST_CASE("A range ends when it has passed as many events as it may, wanted or not") {
  OVER_EVERY_STORE();
  for (int i = 0; i < 3; ++i) append_all(store, {write_of("order|1"), write_of("order|2"), write_of("invoice|1")});
  append_all(store, {change_of("order|2", retention::action::remove)});
  const auto read = [&](const journal_range& range) {
    std::vector<seen_event> seen;
    const auto end = store.read_all(range, collect(seen)).value();
    return std::pair{positions_of(seen), end};
  };
  using found = std::pair<positions, std::uint64_t>;
  CHECK(read({.max_events = 1}) == found{{1}, 1});
  CHECK(read({.from = 4, .only = {{}, {"invoice"}}, .max_events = 1}) == found{{}, 4});
  CHECK(read({.from = 1, .only = {{}, {"invoice"}}, .max_events = 300}) == found{{3, 6, 9}, 9});
  CHECK(read({.from = 99, .max_events = 5}) == found{{}, 9});
  // One reading after the other passes every event once.
  positions all;
  for (std::uint64_t next = 1; next <= 9;) {
    const auto [some, end] = read({.from = next, .max_events = 2});
    all.insert(all.end(), some.begin(), some.end());
    REQUIRE(end >= next);
    next = end + 1;
  }
  CHECK(all == positions{1, 3, 4, 6, 7, 9});
}

TEST_CASE("A visitor makes a window of a stream: from a number, to another, and not more than so many") {
  OVER_EVERY_STORE();
  for (int i = 0; i < 10; ++i) append_all(store, {write_of("order|1"), write_of("order|2")});
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
  CHECK(window(1, 3, 100) == numbers{1, 2, 3});
  CHECK(window(4, 8, 100) == numbers{4, 5, 6, 7, 8});
  CHECK(window(4, 8, 2) == numbers{4, 5});
  CHECK(window(8, 100, 100) == numbers{8, 9, 10});
  CHECK(window(10, 10, 1) == numbers{10});
  CHECK(window(5, 4, 100) == numbers{});
  CHECK(window(11, 100, 100) == numbers{});
  for (std::uint64_t from = 1; from <= 10; ++from) {
    for (std::uint64_t to = from; to <= 10; ++to) REQUIRE(window(from, to, 100).size() == to - from + 1);
  }
}

TEST_CASE("A refused write leaves nothing of its events, wherever it stands in a batch") {
  OVER_EVERY_STORE();
  append_all(store, {write_of("order|1", 2)});
  const std::size_t refused = GENERATE(0, 1, 2);
  const auto why = GENERATE(errc::conflict, errc::invalid_argument);
  std::vector<std::shared_ptr<stream_write>> writes{write_of("order|1", 3), write_of("order|2", 4),
                                                    write_of("order|3", 2)};
  if (why == errc::conflict) writes[refused]->expected = expected_version::exactly(77);
  if (why == errc::invalid_argument) writes[refused]->events.back().meta.type = std::string(0x10000, 't');
  const std::size_t stored = 2 + 9 - writes[refused]->events.size();

  const auto outcomes = append_all(store, writes);
  for (std::size_t i = 0; i < 3; ++i) {
    const auto& id = writes[i]->persistence_id;
    const std::size_t before = i == 0 ? 2 : 0;
    REQUIRE(bool{outcomes[i]} == (i != refused));
    CHECK(read_stream(store, id).size() == before + (i != refused ? writes[i]->events.size() : 0));
    CHECK(store.info(id).value().version == read_stream(store, id).size());
  }
  CHECK(outcomes[refused].error().code() == why);
  CHECK(read_all(store).size() == stored);
  CHECK(store.head().value() == stored);
  append_one(store, write_of(writes[refused]->persistence_id)).value();
  CHECK(positions_of(read_all(store, stored + 1)) == positions{stored + 1});
}

TEST_CASE("Each kind of expectation holds or not, of streams that exist and of those that do not") {
  OVER_EVERY_STORE();
  append_all(store, {write_of("order|1", 3)});
  using expect = expected_version;
  struct expectation {
    expect expected;
    bool of_three;  // whether it holds of a stream with three events
    bool of_none;
  };
  const auto [expected, of_three, of_none] =
      GENERATE(expectation{expect::any(), true, true}, expectation{expect::no_stream(), false, true},
               expectation{expect::stream_exists(), true, false}, expectation{expect::exactly(0), false, true},
               expectation{expect::exactly(1), false, false}, expectation{expect::exactly(2), false, false},
               expectation{expect::exactly(3), true, false}, expectation{expect::exactly(4), false, false});
  INFO(expected.describe());
  const auto check = [&](const char* id, bool holds, std::uint64_t version) {
    const auto outcome = append_one(store, write_of(id, 2, expected));
    REQUIRE(bool{outcome} == holds);
    CHECK(store.info(id).value().version == version + (holds ? 2 : 0));
    if (holds) return;
    CHECK(outcome.error().code() == errc::conflict);
    CHECK(outcome.error().conflict()->actual == version);
  };
  check("order|1", of_three, 3);
  check("order|2", of_none, 0);
}

TEST_CASE("Streams whose names begin alike, or hold odd characters, are kept apart") {
  OVER_EVERY_STORE();
  const std::vector<std::string> ids = {"a|b",      "a|bc",           "a|b|c",
                                        "a|b\x01",  "a|b\xff",        "a|\xff\xff",
                                        "Ä|☃ \n\t", "a|b c/d\\e'f\"", "a|" + std::string(398, 'x')};
  for (int round = 0; round < 3; ++round) {
    for (const auto& id : ids) append_one(store, write_of(id)).value();
  }
  for (std::size_t i = 0; i < ids.size(); ++i) {
    INFO(ids[i]);
    CHECK(positions_of(read_stream(store, ids[i])) == positions{i + 1, i + 1 + ids.size(), i + 1 + 2 * ids.size()});
    CHECK(store.info(ids[i]).value().version == 3);
  }
  CHECK(store.info("a|").value().version == 0);
  CHECK(read_stream(store, "a|bb").empty());
}

TEST_CASE("A write that can never be stored is refused and the others of its batch are stored") {
  OVER_EVERY_STORE();
  auto long_type = write_of("order|1", 2);
  long_type->events[1].meta.type = std::string(0x10000, 't');
  auto long_tag = write_of("order|1");
  long_tag->events[0].meta.tags = {std::string(0x10000, 't')};
  auto many_tags = write_of("order|1");
  many_tags->events[0].meta.tags.resize(0x10000);
  const auto outcomes =
      append_all(store, {write_of("order"), write_of("|1"), write_of("order|"), write_of(std::string("a|\0b", 4)),
                         write_of("a|" + std::string(399, 'x')), write_of("order|1", 0), long_type, long_tag, many_tags,
                         write_of("order|1")});
  REQUIRE(outcomes.size() == 10);
  for (std::size_t i = 0; i < 9; ++i) {
    INFO(i);
    REQUIRE_FALSE(outcomes[i]);
    CHECK(outcomes[i].error().code() == errc::invalid_argument);
  }
  CHECK(outcomes[9]);
  CHECK(store.head().value() == 1);
  CHECK(store.info("order|1").value().version == 1);
  CHECK(read_stream(store, "order").empty());
}

TEST_CASE("Payloads of every size come back whole") {
  OVER_EVERY_STORE();
  std::vector<std::string> payloads;
  for (const std::size_t size : {0, 1, 255, 256, 1990, 2048, 4000, 4096, 70'000, 1 << 20, 16 << 20}) {
    std::string payload(size, '\0');
    for (std::size_t i = 0; i < size; i += 1 + size / 70'000) payload[i] = static_cast<char>(i * 31 + size);
    payloads.push_back(std::move(payload));
  }
  for (const auto& payload : payloads) {
    auto write = write_of("order|1");
    write->events[0].payload = payload;
    append_one(store, write).value();
  }
  const auto events = read_stream(store, "order|1");
  REQUIRE(events.size() == payloads.size());
  for (std::size_t i = 0; i < payloads.size(); ++i) CHECK(events[i].payload == payloads[i]);
}

TEST_CASE("Checkpoints are stored with a batch or alone, and the last one counts") {
  OVER_EVERY_STORE();
  append_and_wait(store, {{write_of("order|1")}, {{"billing", 1}, {"mail", 7}}}).value();
  CHECK(store.load_checkpoint("billing").value() == 1);
  CHECK(store.load_checkpoint("mail").value() == 7);
  append_and_wait(store, {{}, {{"billing", 2}, {"billing", 3}}}).value();
  CHECK(store.load_checkpoint("billing").value() == 3);
  CHECK(store.load_checkpoint("bill").value() == 0);
  CHECK(store.head().value() == 1);
}

TEST_CASE("A batch with a checkpoint that cannot be named is refused as a whole") {
  OVER_EVERY_STORE();
  for (const auto& name : {std::string{}, std::string(501, 'n'), std::string("a\0b", 3)}) {
    const auto refused = append_and_wait(store, {{write_of("order|1")}, {{name, 1}}});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code() == errc::invalid_argument);
  }
  CHECK(store.head().value() == 0);
  CHECK(append_and_wait(store, {{}, {{std::string(500, 'n'), 9}}}));
  CHECK(store.load_checkpoint(std::string(500, 'n')).value() == 9);
}

TEST_CASE("A visitor may call the store, and what it throws reaches the caller") {
  OVER_EVERY_STORE();
  append_all(store, {write_of("order|1", 5)});
  int nested = 0;
  store
      .read_all({},
                [&](const event_view& event) {
                  nested += static_cast<int>(read_stream(store, event.meta.persistence_id).size());
                  append_all(store, {write_of("order|2")});
                  return visit::next;
                })
      .value();
  CHECK(nested == 25);
  CHECK(store.info("order|2").value().version == 5);
  for (int i = 0; i < 2000; ++i) {  // more often than a store has places for readers
    CHECK_THROWS_AS(store.read_stream("order|1", 1, [](const event_view&) -> visit { throw 42; }), int);
  }
  CHECK(read_all(store).size() == 10);
}

TEST_CASE("Readers beside an appending thread see whole batches in order") {
  OVER_EVERY_STORE();
  constexpr std::uint64_t batches = 200;
  std::atomic<bool> done = false;
  std::thread appender{[&] {
    for (std::uint64_t i = 0; i < batches; ++i) append_all(store, {write_of("order|1", 2), write_of("order|2", 3)});
    done = true;
  }};
  std::uint64_t wrong = 0;
  std::uint64_t least = 0;
  for (bool last_look = false; !last_look;) {
    last_look = done;
    const auto one = read_stream(store, "order|1");
    const auto two = read_stream(store, "order|2", 2);
    const auto all = read_all(store);
    for (std::size_t i = 0; i < one.size(); ++i) wrong += one[i].meta.sequence_number != i + 1;
    for (std::size_t i = 0; i < two.size(); ++i) wrong += two[i].meta.sequence_number != i + 2;
    for (std::size_t i = 0; i < all.size(); ++i) wrong += all[i].meta.position != i + 1;
    wrong += one.size() % 2 != 0;
    wrong += !two.empty() && (two.size() + 1) % 3 != 0;
    wrong += all.size() % 5 != 0;
    wrong += all.size() < least;
    least = all.size();
    wrong += store.info("order|1").value().version * 5 < least * 2;
  }
  appender.join();
  CHECK(wrong == 0);
  CHECK(least == batches * 5);
}

TEST_CASE("The size grows with what is stored") {
  OVER_EVERY_STORE();
  auto write = write_of("order|1");
  write->events[0].payload.assign(1 << 20, 'x');
  append_one(store, write).value();
  CHECK(store.size_bytes().value() >= 1 << 20);
}

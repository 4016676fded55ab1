#include "tyto/upcasting.hpp"

#include <stdexcept>

#include "journals.hpp"

using tyto::document;
using tyto::errc;
using tyto::upcasted;
using tyto::upcasters;

namespace {

struct order_created {
  static constexpr std::uint32_t schema_version = 3;
  std::string customer;
};
TYTO_EVENT(order_created, "order.created", customer)

void no_change(document&) {}

written sum_of(std::string type, std::uint32_t version, int sum) {
  document fields;
  fields.set("sum", sum);
  return {std::move(type), version, fields.bytes()};
}

// A journal in which "order|1" holds these events, as they are under the changes.
struct world {
  tyto::storage stored = tyto::open_memory();
  tyto::storage evolved;

  explicit world(const upcasters& changes, const std::vector<written>& events = {})
      : evolved(tyto::upcasting(stored, changes)) {
    store(*stored.journal, "order|1", events).value();
  }
  [[nodiscard]] descriptions seen() const {
    const auto all = all_of(*evolved.journal);
    CHECK(stream_of(*evolved.journal, "order|1") == all);
    return all;
  }
  // Reading fails after as many events as this.
  [[nodiscard]] tyto::error failure(std::size_t after) const {
    std::size_t visited = 0;
    const auto count = [&visited](const tyto::event_view&) { return ++visited, tyto::visit::next; };
    const auto of_all = evolved.journal->read_all({}, count);
    CHECK(visited == after);
    visited = 0;
    const auto of_stream = evolved.journal->read_stream("order|1", 1, count);
    CHECK(visited == after);
    REQUIRE_FALSE(of_all);
    REQUIRE_FALSE(of_stream);
    CHECK(of_all.error().message() == of_stream.error().message());
    return of_all.error();
  }
};

}  // namespace

TEST_CASE("An event that no change names is visited as it is stored, without a copy") {
  const upcasters changes = upcasters{}.retire("order.pinged").upcast("order.settled", 1, no_change);
  const world w{changes, {sum_of("order.created", 1, 7), sum_of("order.settled", 2, 8)}};
  std::vector<const char*> stored;
  std::vector<const char*> shown;
  const auto note = [](std::vector<const char*>& into) {
    return [&into](const tyto::event_view& event) { return into.push_back(event.payload.data()), tyto::visit::next; };
  };
  w.stored.journal->read_all({}, note(stored)).value();
  w.evolved.journal->read_all({}, note(shown)).value();
  CHECK(shown == stored);
  CHECK(w.seen() == descriptions{R"(1/1.0of1 order.created v1 {"sum":7})", R"(2/2.0of1 order.settled v2 {"sum":8})"});
}

TEST_CASE("Upcasters follow each other from version to version") {
  upcasters changes;
  changes.upcast("order.created", 2, [](document& d) { d.set("currency", std::string{"EUR"}); })
      .upcast("order.created", 1, [](document& d) { d.rename("sum", "total"); });
  const world w{changes, {sum_of("order.created", 1, 7), sum_of("order.created", 2, 8), sum_of("order.created", 3, 9)}};
  CHECK(w.seen() == descriptions{R"(1/1.0of1 order.created v3 {"total":7,"currency":"EUR"})",
                                 R"(2/2.0of1 order.created v3 {"sum":8,"currency":"EUR"})",
                                 R"(3/3.0of1 order.created v3 {"sum":9})"});
}

TEST_CASE("A renamed type keeps its versions, and the upcasters of both names are applied") {
  upcasters changes;
  changes.rename("order.placed", "order.created")
      .upcast("order.placed", 1, [](document& d) { d.set("placed", 1); })
      .upcast("order.created", 2, [](document& d) { d.set("created", 2); });
  const world w{changes, {sum_of("order.placed", 1, 7), sum_of("order.placed", 2, 8), sum_of("order.placed", 3, 9)}};
  CHECK(w.seen() == descriptions{R"(1/1.0of1 order.created v3 {"sum":7,"placed":1,"created":2})",
                                 R"(2/2.0of1 order.created v3 {"sum":8,"created":2})",
                                 R"(3/3.0of1 order.created v3 {"sum":9})"});
}

TEST_CASE("A type may be renamed several times") {
  const upcasters changes = upcasters{}.rename("b", "c").rename("a", "b");
  CHECK(world{changes, {{"a"}, {"b"}, {"c"}}}.seen() ==
        descriptions{"1/1.0of1 c v1 {}", "2/2.0of1 c v1 {}", "3/3.0of1 c v1 {}"});
}

TEST_CASE("A renamed event's payload need not be a map") {
  const upcasters changes = upcasters{}.rename("a", "b");
  CHECK(world{changes, {{"a", 1, "\x07"}}}.seen() == descriptions{"1/1.0of1 b v1 7"});
}

TEST_CASE("The parts of a split event follow each other under its position and number") {
  upcasters changes;
  changes
      .split("order.settled", 1,
             [](const document& d) -> std::vector<upcasted> {
               document paid;
               paid.set("cents", d.get<int>("sum").value());
               return {{"order.paid", 1, paid}, {"order.completed", 4, {}}};
             })
      .upcast("order.paid", 1, [](document& d) { d.set("currency", std::string{"EUR"}); });
  const world w{changes, {{"order.created"}, sum_of("order.settled", 1, 7), {"order.created"}}};
  CHECK(w.seen() == descriptions{"1/1.0of1 order.created v1 {}",
                                 R"(2/2.0of2 order.paid v2 {"cents":7,"currency":"EUR"})",
                                 "2/2.1of2 order.completed v4 {}", "3/3.0of1 order.created v1 {}"});
}

TEST_CASE("An event may be split into events of the program") {
  upcasters changes;
  changes.split("order.imported", 1, [](const document& d) -> std::vector<upcasted> {
    return {upcasted::of(order_created{d.get<std::string>("by").value()})};
  });
  document imported;
  imported.set("by", std::string{"ann"});
  CHECK(world{changes, {{"order.imported", 1, imported.bytes()}}}.seen() ==
        descriptions{R"(1/1.0of1 order.created v3 {"customer":"ann"})"});
}

TEST_CASE("Parts that are split again are counted together") {
  upcasters changes;
  changes.split("a", 1,
                [](const document&) -> std::vector<upcasted> {
                  return {{"b"}, {"c"}};
                })
      .split("b", 1, [](const document&) -> std::vector<upcasted> {
        return {{"c"}, {"d"}};
      });
  CHECK(world{changes, {{"a"}}}.seen() == descriptions{"1/1.0of3 c v1 {}", "1/1.1of3 d v1 {}", "1/1.2of3 c v1 {}"});
}

TEST_CASE("A visitor that stops between the parts of an event gets no more") {
  upcasters changes;
  changes.split("a", 1, [](const document&) -> std::vector<upcasted> { return {{"b"}, {"c"}}; });
  const world w{changes, {{"a"}, {"a"}}};
  int visited = 0;
  const auto reached = w.evolved.journal->read_all({}, [&](const tyto::event_view&) {
    ++visited;
    return tyto::visit::stop;
  });
  CHECK(visited == 1);
  CHECK(reached.value() == 1);
}

TEST_CASE("A retired event, and one that was split into none, keeps its place and loses its content") {
  upcasters changes;
  changes.retire("order.pinged").rename("order.poked", "order.pinged");
  changes.split("order.void", 1, [](const document&) { return std::vector<upcasted>{}; });
  const world w{changes, {sum_of("order.pinged", 5, 7), {"order.poked"}, {"order.void"}, {"order.created"}}};
  CHECK(w.seen() == descriptions{"1/1.0of1 tyto.retired v1 {}", "2/2.0of1 tyto.retired v1 {}",
                                 "3/3.0of1 tyto.retired v1 {}", "4/4.0of1 order.created v1 {}"});
}

TEST_CASE("An upcaster sees the stored event's metadata if it likes") {
  upcasters changes;
  changes.upcast("a", 1, [](document& d, const tyto::metadata& m) { d.set("stream", m.persistence_id); })
      .split("a", 2, [](const document& d, const tyto::metadata& m) -> std::vector<upcasted> {
        return {{"b", m.schema_version, d}};
      });
  CHECK(world{changes, {{"a"}}}.seen() == descriptions{R"(1/1.0of1 b v1 {"stream":"order|1"})"});
}

TEST_CASE("Everything else in an event's metadata stays") {
  upcasters changes;
  changes.rename("a", "b");
  world w{changes};
  auto write = std::make_shared<tyto::stream_write>();
  write->persistence_id = "order|1";
  for (int i = 0; i < 2; ++i) {
    auto& event = write->events.emplace_back();
    event.meta.type = "a";
    event.meta.time = second(9);
    event.meta.command_id = "command";
    event.meta.correlation_id = "correlation";
    event.meta.causation_id = "cause";
    event.meta.tags = {"x", "y"};
    event.payload = "\x80";
  }
  tyto::append_and_wait(*w.stored.journal, {{write}, {}}).value().at(0).value();
  std::vector<tyto::metadata> seen;
  w.evolved.journal
      ->read_all({.from = 2}, [&](const tyto::event_view& e) { return seen.push_back(e.meta), tyto::visit::next; })
      .value();
  REQUIRE(seen.size() == 1);
  const auto& m = seen[0];
  CHECK(m.time == second(9));
  CHECK(m.command_id == "command");
  CHECK(m.correlation_id == "correlation");
  CHECK(m.causation_id == "cause");
  CHECK(m.tags == std::vector<std::string>{"x", "y"});
  CHECK(m.decision_index == 1);
  CHECK(m.decision_count == 2);
}

TEST_CASE("A missing step is an error that names the version, the position and the stream") {
  upcasters changes;
  changes.upcast("order.created", 2, no_change);
  const auto failed = world{changes, {{"other"}, {"order.created", 1}}}.failure(1);
  CHECK(failed.code() == errc::missing_upcaster);
  CHECK(failed.message() ==
        "upcasting 'order.created' version 1, the event at position 2 (order|1): no upcaster leads on from this "
        "version");
}

TEST_CASE("The upcasters of an event of the program must lead to its schema version") {
  upcasters changes;
  SECTION("and do") {
    changes.upcast<order_created>(1, no_change).upcast<order_created>(2, no_change);
    CHECK(world{changes, {{"order.created", 1}}}.seen() == descriptions{"1/1.0of1 order.created v3 {}"});
  }
  SECTION("and end before it") {
    changes.upcast<order_created>(1, no_change);
    const auto failed = world{changes, {{"order.created", 1}}}.failure(0);
    CHECK(failed.code() == errc::missing_upcaster);
    CHECK_THAT(failed.message(), Catch::Contains("'order.created' version 2"));
  }
  SECTION("and would lead beyond it") {
    CHECK_THROWS_AS(changes.upcast<order_created>(3, no_change), std::invalid_argument);
  }
}

TEST_CASE("An upcaster or a splitter that throws is an error that names the event") {
  upcasters changes;
  changes.upcast("a", 1, no_change).upcast("a", 2, [](document& d) { d.get<int>("sum").value(); });
  changes.split("b", 1, [](const document&) -> std::vector<upcasted> { throw 42; });
  SECTION("upcaster") {
    const auto failed = world{changes, {{"a"}}}.failure(0);
    CHECK(failed.code() == errc::handler_failed);
    CHECK(failed.message() ==
          "upcasting 'a' version 2, the event at position 1 (order|1): reading the field 'sum' of a document: the "
          "field is missing");
  }
  SECTION("splitter") {
    const auto failed = world{changes, {{"b"}}}.failure(0);
    CHECK(failed.code() == errc::handler_failed);
    CHECK_THAT(failed.message(), Catch::StartsWith("upcasting 'b' version 1, the event at position 1 (order|1)"));
  }
}

TEST_CASE("No part of an event is visited if one of them cannot be made") {
  upcasters changes;
  changes.split("a", 1,
                [](const document&) -> std::vector<upcasted> {
                  return {{"b"}, {"c"}};
                })
      .upcast("c", 2, no_change);
  CHECK(world{changes, {{"other"}, {"a"}}}.failure(1).code() == errc::missing_upcaster);
}

TEST_CASE("A payload that is no map cannot be upcast") {
  upcasters changes;
  changes.upcast("a", 1, no_change);
  const auto failed = world{changes, {{"a", 1, "\x07"}}}.failure(0);
  CHECK(failed.code() == errc::undecodable);
  CHECK_THAT(failed.message(), Catch::Contains("position 1"));
}

TEST_CASE("Splits without an end are an error") {
  upcasters changes;
  changes.split("a", 1, [](const document&) -> std::vector<upcasted> { return {{"a"}, {"a"}}; });
  const auto failed = world{changes, {{"a"}}}.failure(0);
  CHECK(failed.code() == errc::handler_failed);
  CHECK_THAT(failed.message(), Catch::Contains("its splits have no end"));
}

TEST_CASE("Changes that contradict each other are refused when they are listed") {
  upcasters changes;
  changes.rename("a", "b").retire("c").upcast("d", 1, no_change);
  const auto nothing_left = [](const document&) { return std::vector<upcasted>{}; };
  CHECK_THROWS_WITH(changes.rename("a", "x"), Catch::Contains("'a': it is renamed twice"));
  CHECK_THROWS_AS(changes.rename("x", "x"), std::invalid_argument);
  CHECK_THROWS_AS(changes.rename("c", "x"), std::invalid_argument);
  CHECK_THROWS_AS(changes.retire("a"), std::invalid_argument);
  CHECK_THROWS_AS(changes.retire("d"), std::invalid_argument);
  CHECK_THROWS_AS(changes.upcast("c", 1, no_change), std::invalid_argument);
  CHECK_THROWS_WITH(changes.split("d", 1, nothing_left), Catch::Contains("two of them lead on from version 1"));
  CHECK_THROWS_AS(changes.retire("tyto.retired"), std::invalid_argument);
  changes.rename("b", "e");
  CHECK_THROWS_WITH(changes.rename("e", "a"), Catch::Contains("its renames go in a circle"));
}

TEST_CASE("A storage is evolved once") {
  const auto evolved = tyto::upcasting(tyto::open_memory(), {});
  CHECK_THROWS_AS(tyto::upcasting(evolved, {}), std::invalid_argument);
}

TEST_CASE("An append of what would be changed when it is read again is refused, and the rest is stored") {
  upcasters changes;
  changes.upcast("a", 1, no_change).rename("b", "c").retire("d");
  const world w{changes};
  tyto::append_batch batch;
  for (const auto& [type, version] :
       {std::pair{"a", 2u}, std::pair{"a", 1u}, std::pair{"b", 1u}, std::pair{"c", 1u}, std::pair{"d", 1u}}) {
    auto write = std::make_shared<tyto::stream_write>();
    write->persistence_id = std::string{"order|"} + type + std::to_string(version);
    auto& event = write->events.emplace_back();
    event.meta.type = type;
    event.meta.schema_version = version;
    event.payload = "\x80";
    batch.writes.push_back(std::move(write));
  }
  const auto outcomes = tyto::append_and_wait(*w.evolved.journal, std::move(batch)).value();
  REQUIRE(outcomes.size() == 5);
  CHECK(outcomes[0]);
  CHECK(outcomes[3]);
  for (const int i : {1, 2, 4}) {
    const auto& outcome = outcomes[static_cast<std::size_t>(i)];
    REQUIRE_FALSE(outcome);
    CHECK(outcome.error().code() == errc::invalid_argument);
  }
  CHECK_THAT(outcomes[1].error().message(), Catch::Contains("type 'a' version 1"));
  CHECK(all_of(*w.evolved.journal).size() == 2);
}

TEST_CASE("An evolved journal answers everything else as the stored one") {
  const world w{upcasters{}.retire("a"), {{"a"}, {"b"}}};
  tyto::append_and_wait(*w.evolved.journal, {{}, {{"consumer", 2}}}).value();
  CHECK(w.evolved.journal->head().value() == 2);
  CHECK(w.evolved.journal->info("order|1").value().version == 2);
  CHECK(w.evolved.journal->load_checkpoint("consumer").value() == 2);
  CHECK(w.evolved.journal->size_bytes().value() == w.stored.journal->size_bytes().value());
}

TEST_CASE("A filter is for events as they are today: their older names and what they were split from are found") {
  upcasters changes;
  changes.rename("placed", "ordered").rename("ordered", "created");
  changes.split("imported", 1, [](const document&) -> std::vector<upcasted> { return {{"created"}, {"paid"}}; });
  changes.retire("pinged");
  const world w{changes, {{"placed"}, {"ordered"}, {"created"}, {"imported"}, {"paid"}, {"pinged"}, {"other"}}};
  const auto seen_by = [&](const tyto::event_filter& filter) {
    descriptions seen;
    w.evolved.journal
        ->read_all({.only = filter},
                   [&](const tyto::event_view& e) { return seen.push_back(describe(e)), tyto::visit::next; })
        .value();
    return seen;
  };
  CHECK(seen_by({{"created"}, {}}) == descriptions{"1/1.0of1 created v1 {}", "2/2.0of1 created v1 {}",
                                                   "3/3.0of1 created v1 {}", "4/4.0of2 created v1 {}"});
  CHECK(seen_by({{"paid"}, {"order"}}) == descriptions{"4/4.1of2 paid v1 {}", "5/5.0of1 paid v1 {}"});
  CHECK(seen_by({{"placed"}, {}}).empty());
  CHECK(seen_by({{"created"}, {"invoice"}}).empty());
}

TEST_CASE("An event that cannot be brought up to date does not stop a reader of other types") {
  upcasters changes;
  changes.upcast("order.created", 1, [](document&) { throw std::runtime_error("no"); });
  const world w{changes, {{"other"}, {"order.created", 1}, {"other"}}};
  CHECK_FALSE(w.evolved.journal->read_all({}, [](const tyto::event_view&) { return tyto::visit::next; }));
  int others = 0;
  const auto end = w.evolved.journal->read_all({.only = {{"other"}, {}}}, [&](const tyto::event_view&) {
    ++others;
    return tyto::visit::next;
  });
  CHECK(end.value() == 3);
  CHECK(others == 2);
}

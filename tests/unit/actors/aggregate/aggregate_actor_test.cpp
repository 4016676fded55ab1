#include "aggregate/aggregate_actor.hpp"

#include "aggregate_world.hpp"
#include "support/catch.hpp"
#include "support/counter.hpp"

using namespace tyto;
using namespace tyto::test;
using namespace tyto::detail;

namespace {

using world = aggregate_world<counter>;

}  // namespace

TEST_CASE("A command is answered with the place of its last event") {
  world w;
  auto first = w.execute(count{});
  CHECK(first->position == 1);
  auto second = w.execute(count_twice{});
  CHECK(second->position == 3);
  CHECK(second->sequence_number == 3);
  CHECK(second->event_count == 2);
  CHECK_FALSE(second->repeated);
}

TEST_CASE("Commands are decided before earlier ones are durable and answered in order after it") {
  world w;
  w.journal.hold();
  auto first = w.post(count_if_zero{});
  auto second = w.post(count_if_zero{});
  auto third = w.post(count{});
  w.host.run();
  CHECK_FALSE(first->has_value());
  CHECK_FALSE(second->has_value());  // it was rejected for an event that nobody may know of yet
  CHECK_FALSE(third->has_value());

  w.journal.release();
  w.host.run();
  CHECK((*first)->has_value());
  REQUIRE((*second)->error().rejected());
  CHECK((*second)->error().rejected()->reason == "the counter is at 1");
  CHECK((**third)->sequence_number == 2);
}

TEST_CASE("Everything decided on events that could not be stored fails with the reason") {
  world w;
  w.journal.hold();
  auto first = w.post(count{});
  auto rejected = w.post(count_if_zero{});
  auto third = w.post(count{});
  w.host.run();
  w.journal.fail_next_append(error{errc::full, "storing events", "the disk is full"});
  w.journal.release();
  w.host.run();
  for (const auto& answer : {first, rejected, third}) {
    REQUIRE((*answer)->error().failed());
    CHECK((*answer)->error().failed()->code() == errc::full);
  }
  CHECK(w.log.empty());  // the committer has said it, once for all aggregates

  auto next = w.execute(count_if_zero{});  // nothing of it has stayed
  REQUIRE(next);
  CHECK(next->position == 1);
}

TEST_CASE("A lone write that cannot be stored fails with the reason") {
  world w;
  w.journal.fail_next_append(error{errc::full, "storing events", "the disk is full"});
  auto failed = w.execute(count{});
  REQUIRE(failed.error().failed());
  CHECK(failed.error().failed()->code() == errc::full);
  CHECK(w.execute(count_if_zero{})->position == 1);
}

TEST_CASE("A write behind a failed one is refused, and what waited meanwhile runs on the recovered state") {
  world w;
  w.journal.hold();
  auto first = w.post(count{});
  w.host.run();  // the first write is with the store …
  auto second = w.post(count{});
  w.host.run();  // … and the second in a batch of its own
  w.journal.fail_next_append(error{errc::io, "storing events"});
  w.journal.release();
  auto third = w.post(count_if_zero{});
  w.host.run();
  CHECK((*first)->error().failed()->code() == errc::io);
  CHECK((*second)->error().failed()->code() == errc::io);
  REQUIRE((*third)->has_value());
  CHECK((**third)->sequence_number == 1);
  CHECK(w.version() == 1);
}

TEST_CASE("A repeated command gets the first outcome and does not run again") {
  world w;
  auto first = w.execute(count_twice{}, with_id("a"));
  (void)w.execute(count{}).value();

  SECTION("by the same live aggregate") {}
  SECTION("after recovery by replay") { w.shard = w.start(); }

  auto again = w.execute(count_twice{}, with_id("a"));
  REQUIRE(again);
  CHECK(again->repeated);
  CHECK(again->position == first->position);
  CHECK(again->sequence_number == 2);
  CHECK(again->event_count == 2);
  CHECK(w.version() == 3);
}

TEST_CASE("A command repeated while the first is under way waits for it") {
  world w;
  w.journal.hold();
  auto first = w.post(count{}, with_id("a"));
  auto again = w.post(count{}, with_id("a"));
  w.host.run();
  CHECK_FALSE(again->has_value());
  w.journal.release();
  w.host.run();
  CHECK((**first)->position == 1);
  CHECK((**again)->position == 1);
  CHECK((**again)->repeated);
  CHECK(w.journal.head().value() == 1);
}

TEST_CASE("A command that changed nothing may be sent again under its id") {
  world w;
  CHECK(w.execute(do_nothing{}, with_id("a"))->event_count == 0);
  CHECK_FALSE(w.execute(count{}, with_id("a"))->repeated);
}

TEST_CASE("A rejected command may be sent again under its id") {
  world w;
  (void)w.execute(count{}).value();
  CHECK(w.execute(count_if_zero{}, with_id("a")).error().rejected());
  (void)w.execute(count{-1}).value();
  CHECK(w.execute(count_if_zero{}, with_id("a")));
}

TEST_CASE("A command that expects another version is refused with the actual one") {
  world w;
  (void)w.execute(count_twice{}).value();
  command_options options;
  options.expected = expected_version::exactly(1);
  auto outcome = w.execute(count{}, options);
  REQUIRE(outcome.error().failed());
  CHECK(outcome.error().failed()->code() == errc::conflict);
  CHECK(outcome.error().failed()->conflict()->actual == 2);
  options.expected = expected_version::exactly(2);
  CHECK(w.execute(count{}, options));
}

TEST_CASE("A command that changes nothing is answered with the aggregate's last event") {
  world w;
  (void)w.execute(count_twice{}).value();
  auto outcome = w.execute(do_nothing{});
  REQUIRE(outcome);
  CHECK(outcome->event_count == 0);
  CHECK(outcome->position == 2);
  CHECK_FALSE(outcome->repeated);
}

TEST_CASE("A decide that throws fails its command and leaves the aggregate as it was") {
  world w;
  (void)w.execute(count{5}).value();
  auto outcome = w.execute(throw_in_decide{});
  REQUIRE(outcome.error().failed());
  CHECK(outcome.error().failed()->code() == errc::handler_failed);
  CHECK_THAT(outcome.error().message(), Catch::Contains("decide threw"));
  CHECK(w.execute(count_if_zero{}).error().rejected()->reason == "the counter is at 5");
}

TEST_CASE("An evolve that throws fails its command, keeps those before it and rebuilds the state") {
  world w;
  w.journal.hold();
  auto before = w.post(count{5});
  auto broken = w.post(throw_in_evolve{});
  auto after = w.post(count_if_zero{});
  w.host.run();
  w.journal.release();
  w.host.run();
  CHECK((*before)->has_value());
  CHECK((*broken)->error().failed()->code() == errc::handler_failed);
  CHECK((*after)->error().rejected()->reason == "the counter is at 5");
  CHECK(w.journal.head().value() == 1);
}

TEST_CASE("An aggregate that cannot be recovered answers with the error and tries again after a while") {
  world w;
  (void)w.execute(count{5}).value();
  w.shard = w.start();
  w.journal.fail_reads(error{errc::damaged, "reading the event at position 1"});
  CHECK(w.execute(count{}).error().failed()->code() == errc::damaged);
  w.journal.fail_reads(std::nullopt);
  CHECK(w.execute(count{}).error().failed()->code() == errc::damaged);  // not yet
  w.time.set_by(-std::chrono::hours{1});  // a pause takes as long, whatever the clock says
  w.host.advance(std::chrono::milliseconds{10});
  CHECK(w.execute(count_if_zero{}).error().rejected()->reason == "the counter is at 5");
}

TEST_CASE("Events carry their command's ids and tags, and times that do not go back a little") {
  world w;
  command_options options;
  options.command_id = "c";
  options.correlation_id = "r";
  options.causation_id = "x";
  options.tags = {"blue", "green"};
  (void)w.execute(count_twice{}, options).value();
  const auto first_time = w.time.now();
  w.time.set_by(-std::chrono::seconds{59});
  (void)w.execute(count{}).value();
  std::vector<metadata> seen;
  REQUIRE(w.journal.read_all({}, [&](const event_view& event) {
    seen.push_back(event.meta);
    return visit::next;
  }));
  REQUIRE(seen.size() == 3);
  CHECK(seen[1].command_id == "c");
  CHECK(seen[1].correlation_id == "r");
  CHECK(seen[1].causation_id == "x");
  CHECK(seen[1].tags == options.tags);
  CHECK(seen[1].decision_index == 1);
  CHECK(seen[1].decision_count == 2);
  CHECK(seen[1].type == "counter.counted");
  CHECK(seen[2].time == first_time);
}

TEST_CASE("A clock that was far ahead for a while does not date the events that come later") {
  world w;
  w.time.set_by(std::chrono::hours{1});
  (void)w.execute(count{}).value();
  w.time.set_by(-std::chrono::hours{1});
  (void)w.execute(count{}).value();
  timestamp last;
  REQUIRE(w.journal.read_all({}, [&](const event_view& event) {
    last = event.meta.time;
    return visit::next;
  }));
  CHECK(last == w.time.now());
}

TEST_CASE("An aggregate that is to leave does so when it has nothing in hand") {
  world w;
  w.journal.hold();
  auto pending = w.post(count{});
  w.host.run();
  w.time.advance(std::chrono::hours{1});
  w.shard.post(detail::passivate_unused{w.host.now()});
  w.host.run();
  CHECK(w.live == 1);
  w.journal.release();
  w.host.run();
  CHECK(w.live == 1);
  w.shard.post(detail::passivate_unused{w.host.now()});
  w.host.run();
  CHECK(w.live == 0);
  CHECK(w.execute(count{}).value().sequence_number == 2);
}

TEST_CASE("An aggregate with a long stream recovers elsewhere, and decides what waits for it meanwhile in order") {
  world w;
  for (int i = 0; i < 300; ++i) REQUIRE(w.execute(count{}));
  w.shard = w.start();
  const auto first = w.post(count{});
  command_options options;
  options.expected = expected_version::exactly(301);
  const auto second = w.post(count{}, options);
  w.host.run();
  REQUIRE(*first);
  CHECK((*first)->value().sequence_number == 301);
  REQUIRE(*second);
  CHECK((*second)->value().sequence_number == 302);
}

TEST_CASE("What waits while a long recovery fails hears why") {
  world w;
  for (int i = 0; i < 300; ++i) REQUIRE(w.execute(count{}));
  w.shard = w.start();
  const auto first = w.post(count{});
  const auto second = w.post(count{});
  // The first look at the stream gives up for its length; the second one is the long recovery.
  w.journal.watch_reads([&w](const event_view& event) {
    if (event.meta.sequence_number == 257) w.journal.fail_reads(error{errc::damaged, "reading the stream"});
  });
  w.host.run();
  for (const auto& each : {first, second}) {
    REQUIRE(*each);
    CHECK((*each)->error().failed()->code() == errc::damaged);
  }
}

TEST_CASE("More commands than an aggregate may have in hand are refused") {
  world w;
  w.journal.hold();
  std::vector<world::answer> answers;
  for (int i = 0; i < 5; ++i) answers.push_back(w.post(count{}));
  w.host.run();
  REQUIRE(answers[4]->has_value());
  CHECK((*answers[4])->error().failed()->code() == errc::overloaded);
  w.journal.release();
  w.host.run();
  for (int i = 0; i < 4; ++i) CHECK((*answers[static_cast<std::size_t>(i)])->has_value());
  CHECK(w.execute(count{}));
}

TEST_CASE("Command ids are remembered up to the window's size") {
  world w;
  for (const auto* id : {"a", "b", "c", "d"}) (void)w.execute(count{}, with_id(id)).value();
  CHECK(w.execute(count{}, with_id("a"))->repeated);
  (void)w.execute(count{}, with_id("e")).value();
  CHECK_FALSE(w.execute(count{}, with_id("a"))->repeated);
  CHECK(w.execute(count{}, with_id("e"))->repeated);
}


#include "aggregate_world.hpp"
#include "support/catch.hpp"
#include "support/tally.hpp"

using namespace tyto;
using namespace tyto::test;

namespace {

template <class A>
void add_up_to(aggregate_world<A>& w, std::int64_t events) {
  for (auto i = static_cast<std::int64_t>(w.version()); i < events; ++i) (void)w.execute(add{1}).value();
}

template <class A>
std::string total(aggregate_world<A>& w) {
  return w.execute(tell{}).error().rejected()->reason;
}

errc failure_of(const command_result& outcome) {
  REQUIRE_FALSE(outcome);
  REQUIRE(outcome.error().failed());
  return outcome.error().failed()->code();
}

}  // namespace

TEST_CASE("A closed stream takes no more commands and can still be recovered") {
  aggregate_world<tally> w;
  (void)w.execute(add{5}, with_id("first")).value();
  const auto closed = w.execute(close_stream<tally>("1"));
  REQUIRE(closed);
  CHECK(closed->sequence_number == 1);
  CHECK(closed->event_count == 0);

  SECTION("by the aggregate that closed it") {}
  SECTION("by one that recovers") { w.shard = w.start(); }

  const auto refused = w.execute(add{});
  CHECK(failure_of(refused) == errc::closed);
  CHECK_THAT(refused.error().message(), Catch::Contains("tally|1") && Catch::Contains("closed"));
  CHECK(w.execute(add{5}, with_id("first"))->repeated);
  CHECK(w.execute(close_stream<tally>("1")));  // once more has no effect
  CHECK(w.version() == 1);
}

TEST_CASE("A command behind one that closes the stream is refused before that is durable") {
  aggregate_world<tally> w;
  w.journal.hold();
  auto before = w.post(add{});
  auto closing = w.post(close_stream<tally>("1"));
  auto behind = w.post(add{});
  w.host.run();
  CHECK_FALSE(behind->has_value());

  SECTION("durable") {
    w.journal.release();
    w.host.run();
    CHECK((*before)->has_value());
    CHECK((*closing)->has_value());
    CHECK(failure_of(**behind) == errc::closed);
  }
  SECTION("not stored") {
    w.journal.fail_next_append(error{errc::full, "storing events"});
    w.journal.release();
    w.host.run();
    for (const auto& each : {before, closing, behind}) CHECK(failure_of(**each) == errc::full);
    CHECK(w.execute(add{}));  // it is open
  }
}

TEST_CASE("A deleted stream is gone for good, and so are its snapshots") {
  aggregate_world<tally> w;
  add_up_to(w, 6);
  (void)w.execute(add{1}, with_id("last")).value();
  (void)w.execute(delete_stream<tally>("1")).value();
  SECTION("by the aggregate that deleted it") {}
  SECTION("by one that recovers") { w.shard = w.start(); }
  CHECK(failure_of(w.execute(add{})) == errc::closed);
  CHECK(failure_of(w.execute(add{1}, with_id("last"))) == errc::closed);
  CHECK(failure_of(w.execute(truncate_stream<tally>("1", 1))) == errc::closed);
  CHECK(w.execute(delete_stream<tally>("1")));
  CHECK(w.execute(close_stream<tally>("1")));
  CHECK(w.version() == 7);
  int snapshots = 0;
  w.stores.snapshots
      ->load(w.persistence_id,
             [&](std::uint64_t, const result<std::string_view>&) {
               ++snapshots;
               return visit::next;
             })
      .value();
  CHECK(snapshots == 0);
  int events = 0;
  REQUIRE(w.journal.read_all({}, [&](const event_view&) {
    ++events;
    return visit::next;
  }));
  CHECK(events == 0);
}

TEST_CASE("A deleted stream is known as such where its snapshots could not be removed") {
  aggregate_world<tally> w;
  add_up_to(w, 6);
  (void)w.execute(truncate_stream<tally>("1", 6)).value();
  std::vector<snapshot> left;
  w.stores.snapshots
      ->load(w.persistence_id,
             [&](std::uint64_t number, const result<std::string_view>& image) {
               left.push_back({w.persistence_id, number, std::string{image.value()}, 3});
               return visit::next;
             })
      .value();
  REQUIRE_FALSE(left.empty());
  (void)w.execute(delete_stream<tally>("1")).value();
  w.stores.snapshots->save(left).value();
  w.shard = w.start();
  CHECK(failure_of(w.execute(add{})) == errc::closed);
}

TEST_CASE("A truncated stream is recovered from the image that was stored with the truncation") {
  aggregate_world<tally> w;
  for (int i = 1; i <= 8; ++i) (void)w.execute(add{i}, with_id("command " + std::to_string(i))).value();
  const std::uint64_t first = GENERATE(1, 2, 5, 8, 9);
  (void)w.execute(truncate_stream<tally>("1", first)).value();
  (void)w.execute(add{100}).value();
  if (GENERATE(false, true)) w.stores.snapshots->erase(w.persistence_id).value();
  CHECK(total(w) == "136");
  w.shard = w.start();
  CHECK(total(w) == "136");
  CHECK(w.log.empty());
  // Command ids are known although their events are gone.
  const auto again = w.execute(add{6}, with_id("command 6"));
  CHECK(again->repeated);
  CHECK(again->sequence_number == 6);
  CHECK((*w.execute(add{})).sequence_number == 10);
}

TEST_CASE("A snapshot after the truncation goes before the image") {
  aggregate_world<tally> w;
  add_up_to(w, 4);
  (void)w.execute(truncate_stream<tally>("1", 4)).value();
  add_up_to(w, 7);
  w.shard = w.start();
  int reads = 0;
  w.journal.watch_reads([&](const event_view&) { ++reads; });
  CHECK(total(w) == "7");
  CHECK(reads == 2);
  CHECK(w.log.empty());
}

TEST_CASE("Only what is durable can be truncated") {
  aggregate_world<tally> w;
  add_up_to(w, 3);
  CHECK(failure_of(w.execute(truncate_stream<tally>("1", 0))) == errc::invalid_argument);
  CHECK(failure_of(w.execute(truncate_stream<tally>("1", 5))) == errc::invalid_argument);
  command_options options;
  options.expected = expected_version::exactly(2);
  CHECK(failure_of(w.execute(truncate_stream<tally>("1", 2), options)) == errc::conflict);
  CHECK(total(w) == "3");
}

TEST_CASE("A truncation is decided when what was decided before it is durable, and commands behind it wait") {
  aggregate_world<tally> w;
  w.journal.hold();
  auto before = w.post(add{5});
  auto cut = w.post(truncate_stream<tally>("1", 2));
  auto behind = w.post(add{1});
  w.host.run();
  CHECK_FALSE(cut->has_value());

  SECTION("durable") {
    w.journal.release();
    w.host.run();
    for (const auto& each : {before, cut, behind}) CHECK((*each)->has_value());
    CHECK((*cut)->value().sequence_number == 1);
    CHECK((*behind)->value().sequence_number == 2);
    CHECK(w.journal.info(w.persistence_id).value().first == 2);
    CHECK(total(w) == "6");
  }
  SECTION("not stored") {
    w.journal.fail_next_append(error{errc::full, "storing events"});
    w.journal.release();
    w.host.run();
    CHECK(failure_of(**before) == errc::full);
    CHECK(failure_of(**cut) == errc::invalid_argument);  // there is no event 1 that could go
    CHECK((*behind)->value().sequence_number == 1);
    CHECK(total(w) == "1");
  }
}

TEST_CASE("Without snapshots a stream can be truncated up to an event that sums up those before") {
  using plain = tally_of<0>;
  aggregate_world<plain> w;
  add_up_to(w, 3);
  (void)w.execute(carry_forward{}).value();
  add_up_to(w, 6);
  const auto refused = w.execute(truncate_stream<plain>("1", 5));
  CHECK(failure_of(refused) == errc::invalid_argument);
  CHECK_THAT(refused.error().message(), Catch::Contains("snapshot_policy") && Catch::Contains("summaries"));
  CHECK(w.execute(truncate_stream<plain>("1", 4)));
  w.shard = w.start();
  CHECK(total(w) == "5");
  CHECK(w.execute(add{})->sequence_number == 7);
}

TEST_CASE("A command is known as done also after its stream was truncated to a summary") {
  using plain = tally_of<0>;
  aggregate_world<plain> w;
  (void)w.execute(add{100}, with_id("pay")).value();
  (void)w.execute(carry_forward{}).value();
  (void)w.execute(truncate_stream<plain>("1", 2)).value();
  if (GENERATE(false, true)) (void)w.execute(truncate_stream<plain>("1", 1)).value();  // nothing is left to remove
  w.shard = w.start();
  const auto again = w.execute(add{100}, with_id("pay"));
  CHECK(again->repeated);
  CHECK(again->sequence_number == 1);
  CHECK(again->events<plain>().error().code() == errc::truncated);
  CHECK(total(w) == "100");
}

TEST_CASE("Nothing but its events stands for a stream of which a summary was taken away") {
  using plain = tally_of<0>;
  aggregate_world<plain> w;
  add_up_to(w, 3);
  (void)w.execute(carry_forward{}).value();
  (void)w.execute(truncate_stream<plain>("1", 4)).value();
  add_up_to(w, 6);
  auto cut = std::make_shared<stream_write>();
  cut->persistence_id = w.persistence_id;
  cut->retain = retention{retention::action::truncate, 5, std::string{w.journal.info(w.persistence_id)->base}};
  REQUIRE(append_and_wait(w.journal, {{cut}, {}}).value().at(0));
  w.shard = w.start();
  CHECK(failure_of(w.execute(add{})) == errc::truncated);
}

TEST_CASE("A stream that was truncated by other means is not recovered to a wrong state") {
  using plain = tally_of<0>;
  aggregate_world<plain> w;
  add_up_to(w, 3);
  auto cut = std::make_shared<stream_write>();
  cut->persistence_id = w.persistence_id;
  cut->retain = retention{retention::action::truncate, GENERATE(std::uint64_t{3}, std::uint64_t{4}), {}};
  REQUIRE(append_and_wait(w.journal, {{cut}, {}}).value().at(0));
  w.shard = w.start();
  const auto refused = w.execute(add{});
  CHECK(failure_of(refused) == errc::truncated);
  CHECK_THAT(refused.error().message(), Catch::Contains("tally|1"));
  const auto shown = w.health.shown();
  REQUIRE(shown.problems.size() == 1);
  CHECK(shown.problems[0].subject == "tally|1");
}

TEST_CASE("A recorded rejection is given again, also after recovery, and changes no state") {
  aggregate_world<tally> w;
  (void)w.execute(add{5}).value();
  auto recorded = with_id("question");
  recorded.record_rejection = true;
  CHECK(w.execute(tell{}, recorded).error().rejected()->reason == "5");
  (void)w.execute(add{2}).value();
  CHECK(w.version() == 3);

  SECTION("by the live aggregate") {}
  SECTION("after replay") { w.shard = w.start_as<tally_of<2>>(); }
  SECTION("after recovery from a snapshot") { w.shard = w.start(); }
  SECTION("after truncation") {
    (void)w.execute(truncate_stream<tally>("1", 4)).value();
    w.stores.snapshots->erase(w.persistence_id).value();
    w.shard = w.start();
  }

  CHECK(w.execute(tell{}, recorded).error().rejected()->reason == "5");
  CHECK(total(w) == "7");
  CHECK(w.version() == 3);
}

TEST_CASE("A rejection whose record cannot be stored is a failure") {
  aggregate_world<tally> w;
  auto recorded = with_id("question");
  recorded.record_rejection = true;
  w.journal.fail_next_append(error{errc::full, "storing events"});
  CHECK(failure_of(w.execute(tell{}, recorded)) == errc::full);
  CHECK(w.execute(tell{}, recorded).error().rejected()->reason == "0");
}

// What callers, reactions and process managers learn of a command: refusals with a code, and the events of those that
// were accepted.
#include <algorithm>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "ledger.hpp"
#include "support/catch.hpp"
#include "support/temporary_directory.hpp"

using namespace tyto;
using namespace tyto::test;

namespace {

struct rented {
  std::int64_t days = 0;
};
struct rental_cancelled {};
TYTO_EVENT(rented, "rental.rented", days)
TYTO_EVENT(rental_cancelled, "rental.cancelled")

struct taken_until {
  std::int64_t day = 0;
};
TYTO_REJECTION(taken_until, "rental.taken_until", day)

struct rent {
  std::int64_t days = 0;
};
struct cancel_rental {};

struct rental {
  static constexpr std::string_view category = "rental";
  using command = std::variant<rent, cancel_rental>;
  using event = std::variant<rented, rental_cancelled>;
  struct state {
    std::int64_t days = 0;
  };
  static decision<event> decide(const state& s, const rent& c) {
    if (s.days > 0) return reject(taken_until{s.days}, "the car is rented");
    return rented{c.days};
  }
  static decision<event> decide(const state&, const cancel_rental&) { return rental_cancelled{}; }
  static state evolve(state, const rented& e) { return {e.days}; }
  static state evolve(state, const rental_cancelled&) { return {}; }
};

// Every credit pays for the one car.
struct renting {
  static constexpr std::string_view name = "renting";
  static commands react(const credited& e, const metadata&) { return {send<rental>("car", rent{e.cents})}; }
};

struct renting_or_paying_back {
  static constexpr std::string_view name = "renting";
  static commands react(const credited& e, const metadata&) { return {send<rental>("car", rent{e.cents})}; }
  static commands on_rejected(const refused_command& refused, const metadata& m) {
    const auto until = refused.why.as<taken_until>();
    return {send<account>(m.entity_id(), debit{until ? until->day : 0})};
  }
};

struct trip_wanted {
  std::int64_t days = 0;
};
struct trip_refused {
  std::string code;
};
TYTO_EVENT(trip_wanted, "trip.wanted", days)
TYTO_EVENT(trip_refused, "trip.refused", code)

// Its `on` has a dependency.
struct trip {
  static constexpr std::string_view name = "trip";
  using inputs = tyto::events<credited>;
  using event = std::variant<trip_wanted, trip_refused>;
  struct state {};

  std::int64_t days_per_cent = 0;

  static correlation correlate(const credited&, const metadata& m) { return starts(m.entity_id()); }
  [[nodiscard]] decision<event> on(const state&, const credited& e, const metadata&) const {
    return trip_wanted{e.cents * days_per_cent};
  }
  static decision<event> on(const state&, const refused_command& refused) { return trip_refused{refused.why.code}; }
  static state evolve(state s, const trip_wanted&) { return s; }
  static state evolve(state s, const trip_refused&) { return s; }
  static steps then(const trip_wanted& e, const std::string&) { return {send<rental>("car", rent{e.days})}; }
};

std::map<std::string, int> types_in(const storage& stores) {
  std::map<std::string, int> count;
  stores.journal->read_all({}, [&](const event_view& event) { return ++count[event.meta.type], visit::next; }).value();
  return count;
}

const consumer_status& status_of(const runtime_status& all, std::string_view name) {
  const auto found = std::ranges::find(all.consumers, name, &consumer_status::name);
  REQUIRE(found != all.consumers.end());
  return *found;
}

}  // namespace

TEST_CASE("A rejection carries what was refused, and so does its repetition after a restart when it is recorded") {
  const temporary_directory where;
  auto options = with_id("second");
  options.record_rejection = true;
  for (int run = 0; run < 2; ++run) {
    runtime rt{open_lmdb({.path = where.path()}).value(), quiet()};
    rt.aggregate<rental>().start().value();
    (void)rt.execute<rental>("car", rent{3}, with_id("first")).value();
    const auto refused = rt.execute<rental>("car", rent{1}, options);
    REQUIRE_FALSE(refused);
    REQUIRE(refused.error().rejected());
    CHECK(refused.error().rejected()->reason == "the car is rented");
    CHECK(refused.error().rejected()->code == "rental.taken_until");
    REQUIRE(refused.error().rejected()->as<taken_until>());
    CHECK(refused.error().rejected()->as<taken_until>()->day == 3);
    CHECK_FALSE(refused.error().rejected()->as<rented>());
    // It holds also when the car is free again: the command was refused, and a repetition is one.
    (void)rt.execute<rental>("car", cancel_rental{}).value();
  }
}

TEST_CASE("The answer to a command holds its events, also when it is repeated after a restart") {
  const temporary_directory where;
  for (int run = 0; run < 2; ++run) {
    runtime rt{open_lmdb({.path = where.path()}).value(), quiet()};
    rt.aggregate<account>().start().value();
    const auto done = rt.execute<account>("ann", credit{100}, with_id("salary")).value();
    CHECK(done.repeated == (run == 1));
    CHECK(done.event_count == 1);
    const auto events = done.events<account>().value();
    REQUIRE(events.size() == 1);
    CHECK(std::get<credited>(events[0]).cents == 100);
    REQUIRE(done.get_if<credited>());
    CHECK(done.get_if<credited>()->cents == 100);
    CHECK_FALSE(done.get_if<debited>());
    CHECK(done.decided.all().value()[0].meta.position == done.position);
    (void)rt.execute<account>("ann", debit{1}).value();
  }
}

TEST_CASE("A refused command of a reaction is in its status, with the reason") {
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>().aggregate<rental>().reaction<renting>().start().value();
  (void)rt.execute<account>("ann", credit{5}).value();
  (void)rt.execute<account>("ben", credit{7}).value();
  rt.settle(long_enough).value();
  const auto all = rt.status();
  CHECK(status_of(all, "renting").refused == 1);
  CHECK(status_of(all, "renting").last_refusal == "rental|car: the car is rented");
  CHECK(status_of(all, "renting").failures == 0);
}

TEST_CASE("What a reaction makes of a refusal happens once, whatever is delivered again") {
  auto stores = open_memory();
  for (int run = 0; run < 2; ++run) {
    // The second run forgets how far the reaction was, as a crash may have it.
    if (run == 1) {
      append_batch batch;
      batch.checkpoints = {{"renting", 0}};
      REQUIRE(append_and_wait(*stores.journal, std::move(batch)));
    }
    runtime rt{stores, quiet()};
    rt.aggregate<account>().aggregate<rental>().reaction<renting_or_paying_back>().start().value();
    if (run == 0) {
      (void)rt.execute<account>("ann", credit{5}).value();
      (void)rt.execute<account>("ben", credit{7}).value();
    }
    rt.settle(long_enough).value();
    (void)rt.execute<rental>("car", cancel_rental{}).value();  // and the refused one would be accepted now
  }
  const auto seen = types_in(stores);
  CHECK(seen.at("rental.rented") == 1);
  CHECK(seen.at("account.debited") == 1);
}

TEST_CASE("An instance of a process manager is told of a refused command once, and its `on` may have dependencies") {
  auto stores = open_memory();
  for (int run = 0; run < 2; ++run) {
    if (run == 1) {
      append_batch batch;
      batch.checkpoints = {{"trip", 0}, {"trip/commands", 0}};
      REQUIRE(append_and_wait(*stores.journal, std::move(batch)));
    }
    runtime rt{stores, quiet()};
    rt.aggregate<account>().aggregate<rental>().process_manager(trip{.days_per_cent = 2}).start().value();
    if (run == 0) {
      (void)rt.execute<account>("ann", credit{5}).value();
      (void)rt.execute<account>("ben", credit{7}).value();
    }
    rt.settle(long_enough).value();
  }
  const auto seen = types_in(stores);
  CHECK(seen.at("trip.wanted") == 2);
  CHECK(seen.at("trip.refused") == 1);
  std::int64_t days = 0;
  std::string code;
  stores.journal
      ->read_all({},
                 [&](const event_view& event) {
                   if (event.meta.type == "trip.wanted") days += from_bytes<trip_wanted>(event.payload).value().days;
                   if (event.meta.type == "trip.refused") code = from_bytes<trip_refused>(event.payload).value().code;
                   return visit::next;
                 })
      .value();
  CHECK(days == 24);
  CHECK(code == "rental.taken_until");
}

TEST_CASE("Every command's events have a correlation id, which what follows from them shares") {
  auto stores = open_memory();
  auto options = quiet();
  options.ids = counted_ids("request-");
  runtime rt{stores, options};
  rt.aggregate<account>().aggregate<receipts>().reaction<printing>().start().value();
  (void)rt.execute<account>("ann", credit{9}).value();
  (void)rt.execute<account>("ann", debit{4}).value();
  (void)rt.execute<account>("ann", credit{1}, with_id("own")).value();
  rt.settle(long_enough).value();
  std::map<std::string, std::vector<std::string>> types_by_id;
  stores.journal
      ->read_all({},
                 [&](const event_view& event) {
                   types_by_id[event.meta.correlation_id].push_back(event.meta.type);
                   return visit::next;
                 })
      .value();
  CHECK(types_by_id.at("request-1") == std::vector<std::string>{"account.credited"});
  CHECK(types_by_id.at("request-2") == std::vector<std::string>{"account.debited", "receipt.printed"});
  CHECK(types_by_id.at("own") == std::vector<std::string>{"account.credited"});
  CHECK(types_by_id.size() == 3);
}

TEST_CASE("A command that was made before takes its options along") {
  auto stores = open_memory();
  runtime rt{stores, quiet()};
  rt.aggregate<account>().start().value();
  const auto first = send<account>("ann", credit{1}, {.expected = expected_version::no_stream(), .tags = {"vip"}});
  CHECK(rt.execute(first, {.tags = {"web"}})->event_count == 1);
  CHECK(rt.execute(first).error().failed()->code() == errc::conflict);
  std::vector<std::string> tags;
  stores.journal->read_all({}, [&](const event_view& e) { return tags = e.meta.tags, visit::next; }).value();
  CHECK(tags == std::vector<std::string>{"web", "vip"});
}

// What an operator does with consumers while the runtime runs, and sees of those that it does not run.
#include <algorithm>
#include <atomic>
#include <future>
#include <latch>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "ledger.hpp"
#include "support/catch.hpp"
#include "support/tally.hpp"
#include "support/temporary_directory.hpp"

using namespace tyto;
using namespace tyto::test;

namespace {

consumer_state state_of(const runtime& rt, std::string_view name) {
  const auto all = rt.status().consumers;
  return std::ranges::find(all, name, &consumer_status::name)->state;
}

// Credits in another currency, at a rate that it was built with.
struct converted {
  static constexpr std::string_view name = "converted";
  using table = tyto::table<std::string, std::int64_t>;
  std::int64_t rate = 0;
  void project(table& rows, const credited& e, const metadata& m) const {
    rows.update(std::string{m.entity_id()}, [&](std::int64_t& sum) { sum += e.cents * rate; });
  }
  struct of {
    std::string owner;
  };
  static std::int64_t query(const table& rows, const of& q) { return rows.get(q.owner).value_or(0); }
};

// Sums that a later version replaces.
struct sum_of_credits {
  using table = tyto::table<std::string, std::int64_t>;
  static void project(table& rows, const credited& e, const metadata& m) {
    rows.update(std::string{m.entity_id()}, [&](std::int64_t& sum) { sum += e.cents; });
  }
  struct of {
    std::string owner;
  };
  static std::int64_t query(const table& rows, const of& q) { return rows.get(q.owner).value_or(0); }
};
struct first_sums : sum_of_credits {
  static constexpr std::string_view name = "sums.v1";
};
struct second_sums : sum_of_credits {
  static constexpr std::string_view name = "sums.v2";
  using replaces = first_sums;
};

// Fails at everything for good, once it is let.
struct failing {
  static constexpr std::string_view name = "failing";
  static constexpr failure_policy failures{.retries = 0, .then = on_failure::stop};
  struct script {
    std::latch is_in{1};
    std::latch may_fail{1};
  };
  std::shared_ptr<script> follows;
  using table = tyto::table<std::string, std::int64_t>;
  void project(table&, const credited&, const metadata&) const {
    follows->is_in.count_down();
    follows->may_fail.wait();
    throw std::runtime_error("it fails");
  }
  struct any {};
  static std::int64_t query(const table& rows, const any&) { return static_cast<std::int64_t>(rows.count()); }
};

// Counts credits in two rows.
struct counted_twice {
  static constexpr std::string_view name = "counted_twice";
  using table = tyto::table<std::string, std::int64_t>;
  static void project(table& rows, const credited&, const metadata&) {
    for (const auto* row : {"first", "second"}) rows.update(row, [](std::int64_t& count) { ++count; });
  }
  struct both {};
  static std::pair<std::int64_t, std::int64_t> query(const table& rows, const both&) {
    return {rows.get("first").value_or(0), rows.get("second").value_or(0)};
  }
};

}  // namespace

TEST_CASE("A paused reaction sends nothing until it is resumed, and then misses nothing") {
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>().aggregate<receipts>().reaction<printing>().projection<turnover>().start().value();
  rt.pause("printing").value();
  CHECK(state_of(rt, "printing") == consumer_state::paused);
  (void)rt.execute<account>("ann", credit{100}).value();
  const auto done = rt.execute<account>("ann", debit{30}).value();
  CHECK(rt.query<turnover>({"ann"}, {done.position}).value().receipts == 0);
  rt.resume("printing").value();
  rt.settle(long_enough).value();
  CHECK(rt.query<turnover>({"ann"}).value().receipts == 30);
}

TEST_CASE("A projection that is reset has the rows that its events make, each once") {
  const temporary_directory where;
  runtime rt{open_lmdb({.path = where.path()}).value(), quiet()};
  rt.aggregate<account>().projection<turnover>().start().value();
  committed last;
  for (int i = 0; i < 50; ++i) last = rt.execute<account>("ann", credit{2}).value();
  REQUIRE(rt.query<turnover>({"ann"}, {last.position}).value().credited == 100);
  rt.reset("turnover").value();
  CHECK(rt.query<turnover>({"ann"}, {last.position}).value().credited == 100);
}

TEST_CASE("Queries while a projection is reset and built anew see its rows as of one position") {
  const temporary_directory where;
  runtime rt{open_lmdb({.path = where.path()}).value(), quiet()};
  rt.aggregate<account>().projection<counted_twice>().start().value();
  constexpr std::int64_t credits = 20;
  committed last;
  for (std::int64_t i = 0; i < credits; ++i) last = rt.execute<account>("ann", credit{2}).value();
  std::atomic<int> wrong = 0;
  std::vector<std::jthread> askers;
  for (int i = 0; i < 2; ++i) {
    askers.emplace_back([&](const std::stop_token& enough) {
      while (!enough.stop_requested()) {
        const auto seen = rt.query<counted_twice>({});
        if (!seen || seen->first != seen->second || seen->first > credits) ++wrong;
      }
    });
  }
  for (int i = 0; i < 20; ++i) {
    rt.reset("counted_twice").value();
    CHECK(rt.query<counted_twice>({}, {last.position}).value() == std::pair{credits, credits});
  }
  askers.clear();
  CHECK(wrong == 0);
}

TEST_CASE("A reaction cannot be reset, and consumers that do not exist cannot be operated") {
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>().aggregate<receipts>().reaction<printing>().start().value();
  CHECK(rt.reset("printing").error().code() == errc::invalid_argument);
  for (const auto& outcome : {rt.pause("pritning"), rt.resume("pritning"), rt.reset("pritning")}) {
    REQUIRE_FALSE(outcome);
    CHECK(outcome.error().code() == errc::invalid_argument);
    CHECK_THAT(outcome.error().message(), Catch::Contains("'pritning'") && Catch::Contains("no such consumer"));
  }
  rt.stop().value();
  CHECK(rt.pause("printing").error().code() == errc::stopped);
}

TEST_CASE("Consumers that the storage knows and nobody registers are listed, with how far they were") {
  const temporary_directory where;
  {
    runtime rt{open_lmdb({.path = where.path()}).value(), quiet()};
    rt.aggregate<account>().aggregate<receipts>().reaction<printing>().projection<turnover>().start().value();
    (void)rt.execute<account>("ann", credit{100}).value();
    (void)rt.execute<account>("ann", debit{30}).value();
    rt.settle(long_enough).value();
    CHECK(rt.status().unregistered.empty());
  }
  runtime rt{open_lmdb({.path = where.path()}).value(), quiet()};
  rt.aggregate<account>().start().value();
  const auto unknown = rt.status().unregistered;
  REQUIRE(unknown.size() == 2);
  CHECK(unknown[0].name == "printing");
  CHECK(unknown[0].position == 3);
  CHECK(unknown[0].parked == 0);
  CHECK(unknown[1].name == "turnover");
  CHECK(unknown[1].position == 3);
}

TEST_CASE("A reader from outside sees how far a projection is, also past events that it does not take") {
  const temporary_directory where;
  runtime rt{open_lmdb({.path = where.path()}).value(), quiet()};
  rt.aggregate<account>().projection<converted>().start().value();
  (void)rt.execute<account>("ann", credit{100}).value();
  const auto last = rt.execute<account>("ann", debit{30}).value();  // none of its own
  const auto outside = open_lmdb({.path = where.path(), .read_only = true}).value();
  const auto limit = std::chrono::steady_clock::now() + long_enough;
  const auto seen = [&] { return outside.read_models->snapshot("converted").value()->position(); };
  while (seen() < last.position) {
    REQUIRE(std::chrono::steady_clock::now() < limit);
    std::this_thread::yield();
  }
}

TEST_CASE("A projection uses what it was built with") {
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>().projection(converted{.rate = 3}).start().value();
  const auto done = rt.execute<account>("ann", credit{100}).value();
  CHECK(rt.query<converted>({"ann"}, {done.position}).value() == 300);
}

TEST_CASE("A subscription that is ended gets nothing more and leaves the status") {
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>().start().value();
  std::atomic<int> heard = 0;
  auto listening = rt.subscribe<credited>([&](const credited&, const metadata&) { ++heard; });
  (void)rt.execute<account>("ann", credit{1}).value();
  rt.settle(long_enough).value();
  REQUIRE(heard == 1);
  REQUIRE(rt.status().consumers.size() == 1);
  listening.end();
  CHECK(rt.status().consumers.empty());
  (void)rt.execute<account>("ann", credit{1}).value();
  rt.settle(long_enough).value();
  CHECK(heard == 1);
  listening.end();
}

TEST_CASE("A handler may end its own subscription") {
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>().start().value();
  std::atomic<int> heard = 0;
  subscription listening;
  std::latch assigned{1};
  listening = rt.subscribe<credited>([&](const credited&, const metadata&) {
    assigned.wait();
    ++heard;
    listening.end();
  });
  assigned.count_down();
  for (int i = 0; i < 5; ++i) (void)rt.execute<account>("ann", credit{1}).value();
  rt.settle(long_enough).value();
  CHECK(rt.status().consumers.empty());
  rt.stop().value();
  CHECK(heard == 1);
}

TEST_CASE("A projection that was replaced for good is not listed as one that nobody registers") {
  const temporary_directory where;
  for (int start = 0; start < 3; ++start) {
    runtime rt{open_lmdb({.path = where.path()}).value(), quiet()};
    rt.aggregate<account>();
    if (start == 0) {
      rt.projection<first_sums>();
    } else {
      rt.projection<second_sums>();
    }
    rt.start().value();
    (void)rt.execute<account>("ann", credit{1}).value();
    rt.settle(long_enough).value();
    rt.caught_up(long_enough).value();
    CHECK(rt.status().unregistered.empty());
  }
}

TEST_CASE("A reset that waits while a projection halts is done then") {
  auto script = std::make_shared<failing::script>();
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>().projection(failing{script}).start().value();
  (void)rt.execute<account>("ann", credit{1}).value();
  script->is_in.wait();
  auto resetting = std::async(std::launch::async, [&rt] { return rt.reset("failing"); });
  script->may_fail.count_down();
  CHECK(resetting.get());
}

TEST_CASE("Who asks a consumer for dead letters while it is being paused hears that it is") {
  auto script = std::make_shared<failing::script>();
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>().projection(failing{script}).start().value();
  (void)rt.execute<account>("ann", credit{1}).value();
  script->is_in.wait();
  auto pausing = std::async(std::launch::async, [&rt] { return rt.pause("failing", long_enough); });
  auto releasing = std::async(std::launch::async, [&rt] { return rt.replay_dead_letters("failing"); });
  script->may_fail.count_down();
  CHECK(pausing.get());
  CHECK(releasing.get().error().code() == errc::stopped);
}

TEST_CASE("A subscription that is ended before the runtime starts is never shown in the status") {
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>();
  auto listening = rt.subscribe<credited>([](const credited&, const metadata&) {});
  listening.end();
  rt.start().value();
  CHECK(rt.status().consumers.empty());
}

TEST_CASE("The status counts what aggregates have done since the start") {
  const auto stores = open_memory();
  {
    runtime rt{stores, quiet()};
    rt.aggregate<tally>().start().value();
    for (int i = 0; i < 4; ++i) (void)rt.execute<tally>("1", add{1}).value();
    CHECK(rt.status().aggregates.commands == 4);
    CHECK(rt.status().aggregates.recoveries == 1);
    CHECK(rt.status().aggregates.snapshots_used == 0);
  }
  runtime rt{stores, quiet()};
  rt.aggregate<tally>().start().value();
  (void)rt.execute<tally>("1", add{1}, with_id("a")).value();
  CHECK(rt.execute<tally>("1", add{1}, with_id("a"))->repeated);
  CHECK(rt.execute<tally>("1", tell{}).error().rejected() != nullptr);
  command_options hasty;
  hasty.expected = expected_version::exactly(1);
  CHECK(rt.execute<tally>("1", add{1}, hasty).error().failed()->code() == errc::conflict);
  (void)rt.execute<tally>("2", add{1}).value();
  const auto counted = rt.status().aggregates;
  CHECK(counted.commands == 5);
  CHECK(counted.repetitions == 1);
  CHECK(counted.rejections == 1);
  CHECK(counted.conflicts == 1);
  CHECK(counted.recoveries == 2);
  CHECK(counted.snapshots_used == 1);
}

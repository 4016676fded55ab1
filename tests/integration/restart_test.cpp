#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "ledger.hpp"
#include "support/catch.hpp"
#include "support/temporary_directory.hpp"

using namespace tyto;
using namespace tyto::test;

namespace {

storage open(const temporary_directory& directory) { return open_lmdb({.path = directory.path()}).value(); }

void add_ledger(runtime& rt) {
  rt.aggregate<account>().aggregate<receipts>().reaction<printing>().projection<turnover>();
}

std::vector<metadata> all_events(const event_store& journal) {
  std::vector<metadata> seen;
  REQUIRE(journal.read_all({}, [&](const event_view& event) {
    seen.push_back(event.meta);
    return visit::next;
  }));
  return seen;
}

struct thanking {
  static constexpr std::string_view name = "thanking";
  static constexpr auto from = start_from::end;
  std::shared_ptr<std::atomic<int>> thanked;
  void react(const credited&, const metadata&) const { ++*thanked; }
};

}  // namespace

TEST_CASE("State, outcomes and read models are there again after a restart") {
  const temporary_directory directory;
  committed first;
  {
    runtime rt{open(directory), quiet()};
    add_ledger(rt);
    rt.start().value();
    (void)rt.execute<account>("ann", credit{100}).value();
    first = rt.execute<account>("ann", debit{30}, with_id("d1")).value();
    rt.settle(long_enough).value();
    rt.stop().value();
  }
  runtime rt{open(directory), quiet()};
  add_ledger(rt);
  rt.start().value();
  CHECK(rt.execute<account>("ann", debit{71}).error().rejected()->reason == "only 70 cents are left");
  const auto again = rt.execute<account>("ann", debit{30}, with_id("d1"));
  REQUIRE(again);
  CHECK(again->repeated);
  CHECK(again->position == first.position);
  rt.settle(long_enough).value();
  CHECK(rt.query<turnover>({"ann"}).value().receipts == 30);
  CHECK(rt.status().head == 3);
}

TEST_CASE("A consumer that is added later starts at the first event") {
  const temporary_directory directory;
  {
    runtime rt{open(directory), quiet()};
    rt.aggregate<account>().start().value();
    for (int i = 0; i < 3'000; ++i) {
      rt.submit<account>("ann" + std::to_string(i % 7), credit{1}, {}, [](const command_result&) {});
    }
    rt.stop().value();
  }
  runtime rt{open(directory), quiet()};
  rt.aggregate<account>().projection<turnover>().start().value();
  rt.settle(long_enough).value();
  CHECK(rt.query<turnover>({"ann0"}).value().credited == 429);
}

TEST_CASE("A reaction that is added later may leave out what was before, and does so once") {
  const temporary_directory directory;
  const auto thanked = std::make_shared<std::atomic<int>>(0);
  const auto credit_one = [&](bool thanks) {
    runtime rt{open(directory), quiet()};
    rt.aggregate<account>();
    if (thanks) rt.reaction(thanking{thanked});
    rt.start().value();
    (void)rt.execute<account>("ann", credit{1}).value();
    rt.settle(long_enough).value();
  };
  credit_one(false);
  credit_one(true);
  CHECK(*thanked == 1);
  credit_one(false);  // while it is away
  credit_one(true);
  CHECK(*thanked == 3);
}

TEST_CASE("A process that is killed under load loses nothing that was acknowledged and doubles nothing") {
  const temporary_directory directory;
  std::set<int> acknowledged;
  for (int round = 0; round < 5; ++round) {
    int pipe_ends[2];
    REQUIRE(pipe(pipe_ends) == 0);
    const auto child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      close(pipe_ends[0]);
      runtime rt{open(directory), quiet()};
      add_ledger(rt);
      rt.start().value();
      for (int i = 0;; ++i) {
        // Commands of earlier rounds come again: their ids make them repetitions.
        rt.submit<account>("a" + std::to_string(i % 50), credit{1}, with_id("c" + std::to_string(i)),
                           [i, out = pipe_ends[1]](const command_result& outcome) {
                             if (outcome && write(out, &i, sizeof i) != sizeof i) _exit(1);
                           });
        while (rt.status().commands_in_flight > 500) std::this_thread::yield();
      }
    }
    close(pipe_ends[1]);
    // Killed at whatever it is doing after a number of acknowledgements.
    const std::size_t enough = 400 + 333 * static_cast<std::size_t>(round);
    std::set<int> heard;
    int i = 0;
    while (heard.size() < enough && read(pipe_ends[0], &i, sizeof i) == sizeof i) heard.insert(i);
    REQUIRE(kill(child, SIGKILL) == 0);
    while (read(pipe_ends[0], &i, sizeof i) == sizeof i) heard.insert(i);
    close(pipe_ends[0]);
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    acknowledged.merge(heard);

    const auto stores = open(directory);
    const auto events = all_events(*stores.journal);
    std::set<std::string> command_ids;
    for (std::size_t n = 0; n < events.size(); ++n) {
      REQUIRE(events[n].position == n + 1);
      REQUIRE(command_ids.insert(events[n].command_id).second);
    }
    for (const int id : acknowledged) REQUIRE(command_ids.contains("c" + std::to_string(id)));
  }
  runtime rt{open(directory), quiet()};
  add_ledger(rt);
  rt.start().value();
  rt.settle(long_enough).value();
  std::int64_t credited_in_rows = 0;
  for (int i = 0; i < 50; ++i) credited_in_rows += rt.query<turnover>({"a" + std::to_string(i)}).value().credited;
  CHECK(static_cast<std::uint64_t>(credited_in_rows) == rt.status().head);
}

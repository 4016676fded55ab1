// A runtime has its storage for itself, and its process has it: neither a second runtime nor a forked child gets
// between it and its journal.
#include <sys/wait.h>
#include <unistd.h>

#include <optional>
#include <string>

#include "ledger.hpp"
#include "notes.hpp"
#include "support/catch.hpp"
#include "support/temporary_directory.hpp"

using namespace tyto;
using namespace tyto::test;

TEST_CASE("A second runtime over the same storage does not start until the first has stopped") {
  const temporary_directory directory;
  const bool in_memory = GENERATE(false, true);
  const bool with_upcasters = GENERATE(false, true);
  const auto store = in_memory ? open_memory() : open_lmdb({.path = directory.path()}).value();
  runtime first{store};
  runtime second{with_upcasters ? upcasting(store, upcasters{}.retire("account.opened")) : store};
  first.aggregate<account>();
  second.aggregate<account>();
  first.start().value();
  const auto refused = second.start();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == errc::locked);
  CHECK(first.execute<account>("a", credit{1}));
  first.stop().value();
  CHECK(second.start());
  CHECK(second.execute<account>("a", credit{1}));
}

TEST_CASE("A forked child that ends its parent's subscription or live query does not wait, and ends neither") {
  notes<std::string> told;
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>().projection<turnover>().start().value();
  auto of_credits = rt.subscribe<credited>(
      [&](const credited& e, const metadata&) { told.add("credit " + std::to_string(e.cents)); });
  auto of_turnover = std::optional{rt.watch<turnover>({"ann"}, [&](const turnover::row& row) {
                                       told.add("turnover " + std::to_string(row.credited));
                                     }).value()};
  REQUIRE(told.wait_for("turnover 0"));
  const auto child = ::fork();
  if (child == 0) {
    ::alarm(60);  // ends a child that hangs
    of_credits.end_soon();
    of_credits.end();
    of_turnover.reset();
    rt.subscribe<credited>([](const credited&, const metadata&) {}).end();
    ::_exit(0);
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  (void)rt.execute<account>("ann", credit{7}).value();
  CHECK(told.wait_for("credit 7"));
  CHECK(told.wait_for("turnover 7"));
}

TEST_CASE("A forked child that uses or destroys its parent's runtime is refused, and neither waits for ever") {
  const temporary_directory directory;
  auto rt = std::make_unique<runtime>(open_lmdb({.path = directory.path()}).value());
  rt->aggregate<account>();
  rt->start().value();
  REQUIRE(rt->execute<account>("a", credit{1}));
  const auto child = ::fork();
  if (child == 0) {
    ::alarm(60);  // ends a child that hangs
    int wrong = 0;
    const auto executed = rt->execute<account>("a", credit{1});
    const auto* failed = executed ? nullptr : executed.error().failed();
    if (failed == nullptr || failed->code() != errc::locked) wrong |= 1;
    if (rt->settle(std::chrono::seconds{1}).error().code() != errc::stopped) wrong |= 2;
    if (rt->stop().error().code() != errc::locked) wrong |= 4;
    rt.reset();
    ::_exit(wrong);
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  const auto done = rt->execute<account>("a", credit{1});
  REQUIRE(done);
  CHECK(done->position == 2);
}

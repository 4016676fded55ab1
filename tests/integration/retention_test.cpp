// Snapshots, streams that end, and health, through the runtime and over the store on disk.
#include <chrono>
#include <thread>

#include "ledger.hpp"
#include "support/catch.hpp"
#include "support/scripted_store.hpp"
#include "support/tally.hpp"
#include "support/temporary_directory.hpp"

using namespace tyto;
using namespace tyto::test;

namespace {

std::size_t snapshots_of(const storage& stores, std::string_view id) {
  std::size_t count = 0;
  stores.snapshots
      ->load(id,
             [&](std::uint64_t, const result<std::string_view>& image) {
               CHECK(image);
               ++count;
               return visit::next;
             })
      .value();
  return count;
}

std::string total(runtime& rt) { return rt.execute<tally>("1", tell{}).error().rejected()->reason; }

}  // namespace

TEST_CASE("What was snapshot, truncated, closed and deleted is so after a restart") {
  const temporary_directory directory;
  {
    const auto stores = open_lmdb({.path = directory.path()}).value();
    runtime rt{stores, quiet()};
    rt.aggregate<tally>().start().value();
    for (int i = 0; i < 10; ++i) (void)rt.execute<tally>("1", add{1}, with_id(std::to_string(i))).value();
    (void)rt.execute(truncate_stream<tally>("1", 9)).value();
    (void)rt.execute<tally>("2", add{1}).value();
    (void)rt.execute(close_stream<tally>("2")).value();
    (void)rt.execute<tally>("3", add{1}).value();
    (void)rt.execute(delete_stream<tally>("3")).value();
    rt.stop().value();
    CHECK(snapshots_of(stores, "tally|1") == 2);
  }
  const bool without_snapshots = GENERATE(false, true);
  const auto stores = open_lmdb({.path = directory.path()}).value();
  if (without_snapshots) stores.snapshots->erase("tally|1").value();
  runtime rt{stores, quiet()};
  rt.aggregate<tally>().start().value();
  CHECK(total(rt) == "10");
  CHECK(rt.execute<tally>("1", add{1}, with_id("3"))->repeated);
  CHECK(rt.execute<tally>("2", add{1}).error().failed()->code() == errc::closed);
  CHECK(rt.execute<tally>("3", add{1}).error().failed()->code() == errc::closed);
  CHECK(rt.execute<tally>("1", add{1})->position == 13);
  CHECK(rt.health().is_healthy());
}

TEST_CASE("A consumer passes over what was deleted before it came there") {
  const auto stores = open_memory();
  {
    runtime rt{stores, quiet()};
    rt.aggregate<account>().aggregate<tally>().start().value();
    (void)rt.execute<account>("ann", credit{1}).value();
    (void)rt.execute<account>("ben", credit{2}).value();
    (void)rt.execute<account>("cid", credit{3}).value();
    (void)rt.execute(delete_stream<account>("ann")).value();
    (void)rt.execute(delete_stream<account>("cid")).value();
  }
  runtime rt{stores, quiet()};
  rt.aggregate<account>().projection<turnover>().start().value();
  rt.settle(long_enough).value();
  CHECK(rt.query<turnover>({"ann"}, {3}).value().credited == 0);
  CHECK(rt.query<turnover>({"ben"}).value().credited == 2);
}

TEST_CASE("Health names what fails, while everything else goes on, until it works again") {
  auto stores = open_memory();
  auto journal = std::make_shared<scripted_store>(stores.journal);
  stores.journal = journal;
  runtime rt{stores, quiet()};
  rt.aggregate<account>().projection<turnover>().start().value();
  (void)rt.execute<account>("ann", credit{1}).value();
  CHECK(rt.health().is_healthy());

  journal->fail_next_append(error{errc::full, "appending", "the disk is full"});
  const auto failed = rt.execute<account>("ben", credit{1});
  CHECK(failed.error().failed()->code() == errc::full);
  const auto report = rt.health();
  REQUIRE(report.problems.size() == 1);
  CHECK(report.problems[0].subject == "journal");
  CHECK(report.problems[0].why.code() == errc::full);

  CHECK(rt.execute<account>("ann", debit{2}).error().rejected());  // what needs no writing works
  CHECK(rt.query<turnover>({"ann"}, {1}).value().credited == 1);
  CHECK(rt.execute<account>("ben", credit{1}));
  CHECK(rt.health().is_healthy());
}

TEST_CASE("A recorded rejection is an event that consumers can see") {
  std::atomic<int> seen = 0;
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>();
  rt.subscribe<command_rejected>([&](const command_rejected& e, const metadata& m) {
    if (e.reason == "only 0 cents are left" && m.command_id == "d1") ++seen;
  });
  rt.start().value();
  auto options = with_id("d1");
  options.record_rejection = true;
  for (int i = 0; i < 3; ++i) CHECK(rt.execute<account>("ann", debit{1}, options).error().rejected());
  rt.settle(long_enough).value();
  CHECK(seen == 1);
  CHECK(rt.status().head == 1);
}

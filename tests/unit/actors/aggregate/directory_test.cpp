#include "aggregate/directory.hpp"

#include "aggregate/housekeeper.hpp"
#include "journal/committer.hpp"
#include "support/catch.hpp"
#include "support/counter.hpp"
#include "support/manual_host.hpp"
#include "support/scripted_store.hpp"
#include "tyto/memory_store.hpp"

using namespace tyto;
using namespace tyto::test;
using namespace tyto::detail;

namespace {

struct world {
  explicit world(std::size_t max_live) : aggregates(around, host, max_live) {}

  manual_clock time;
  manual_host host{time};
  scripted_store journal{open_memory().journal};
  event_bus bus{0, 1'000, 1'000};
  health_board health{time};
  snapshot_queue snapshots{nullptr, host, health, [](std::string_view) {}};
  aggregate_surroundings around{
      {journal, nullptr, 1'000, [](std::string_view) {}},
      time,
      host,
      spawn<committer>(
          host, placement::dedicated, journal, bus, host, health, [](std::string_view) {}, std::size_t{1'000}),
      snapshots,
      health,
      1'000,
      std::chrono::milliseconds{10},
      std::chrono::milliseconds{1'000}};
  directory aggregates;

  void post(const std::string& id, std::vector<std::uint64_t>& versions) {
    aggregates.post(run_command{
        &definition_of<counter>(),
        aggregate_key{"counter|" + id},
        send<counter>(id, count{}).command,
        {},
        [&versions](const command_result& outcome) { versions.push_back(outcome ? outcome->sequence_number : 0); }});
  }
};

using versions = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("The least recently used aggregates leave when there are too many, and come back by replay") {
  world w{64};  // one in each shard
  std::map<std::string, versions> answers;
  for (int round = 1; round <= 3; ++round) {
    for (int i = 0; i < 500; ++i) {
      w.post(std::to_string(i), answers[std::to_string(i)]);
      w.host.run();
    }
    CHECK(w.aggregates.live() <= 128);
  }
  for (const auto& [id, got] : answers) REQUIRE(got == versions{1, 2, 3});
}

TEST_CASE("A command that comes after its aggregate was asked to leave is not lost") {
  world w{64'000};
  versions got;
  w.post("1", got);
  w.host.run();
  w.time.advance(std::chrono::hours{1});
  w.aggregates.passivate(w.host.now());
  w.post("1", got);
  w.host.run();
  CHECK(got == versions{1, 2});
  CHECK(w.aggregates.live() == 1);  // it has come back by replay
}

TEST_CASE("Aggregates that were not used for a while leave, others stay") {
  world w{64'000};
  versions got;
  auto housekeeping =
      spawn<housekeeper>(w.host, placement::shared, w.aggregates, w.host, std::chrono::milliseconds{1'000});
  housekeeping.post(look_around{});
  w.post("idle", got);
  w.post("busy", got);
  w.host.run();
  for (int i = 0; i < 6; ++i) {
    w.host.advance(std::chrono::milliseconds{250});
    w.post("busy", got);
    w.host.run();
  }
  CHECK(w.aggregates.live() == 1);
  w.post("idle", got);
  w.host.run();
  CHECK(got.back() == 2);
}

#include "aggregate/aggregate_shard.hpp"

#include "support/catch.hpp"
#include "support/counter.hpp"
#include "support/manual_host.hpp"
#include "tyto/memory_store.hpp"

using namespace tyto;
using namespace tyto::test;
using namespace tyto::detail;

namespace {

// Stands for the committer: keeps what a shard sends.
struct keeping_committer final : actor_of<committer_message> {
  explicit keeping_committer(std::vector<store_writes>& into) : kept(into) {}
  void on(committer_message&& message) override { kept.push_back(std::get<store_writes>(std::move(message))); }
  std::vector<store_writes>& kept;
};

struct world {
  manual_clock time;
  manual_host host{time};
  storage stores = open_memory();
  health_board health{time};
  snapshot_queue snapshots{nullptr, host, health, [](std::string_view) {}};
  std::vector<store_writes> sent;
  aggregate_surroundings around{{*stores.journal, nullptr, 1'000, [](std::string_view) {}},
                                time,
                                host,
                                spawn<keeping_committer>(host, placement::dedicated, sent),
                                snapshots,
                                health,
                                1'000,
                                std::chrono::milliseconds{10},
                                std::chrono::milliseconds{1'000}};
  std::atomic<std::size_t> live = 0;
  aggregate_counts counts;
  address<shard_message> shard =
      spawn<aggregate_shard>(host, placement::shared, around, host, std::size_t{1'000}, live, counts);
  std::vector<std::string> answers;

  void post(const std::string& id, bool caller_waits = false) {
    command_reply reply{
        [this, id](const command_result& outcome) { answers.push_back(id + (outcome ? " ok" : " failed")); }, nullptr,
        caller_waits};
    shard.post(run_command{&definition_of<counter>(),
                           aggregate_key{"counter|" + id},
                           send<counter>(id, count{}).command,
                           {},
                           std::move(reply)});
  }
  // Answers the oldest `writes` that were sent.
  void answer(const result<void>& outcome, std::size_t writes) {
    shard.post(writes_answered{{{outcome, writes}}});
    host.run();
  }
};

std::vector<std::string> ids_of(const store_writes& sent) {
  std::vector<std::string> ids;
  for (const auto& each : sent.writes) ids.push_back(each->persistence_id);
  return ids;
}

using strings = std::vector<std::string>;

}  // namespace

TEST_CASE("What the aggregates of a shard decide in one turn goes to the committer together, in order") {
  world w;
  w.post("a");
  w.post("b");
  w.post("a");
  w.host.run();
  REQUIRE(w.sent.size() == 1);
  CHECK(ids_of(w.sent[0]) == strings{"counter|a", "counter|b", "counter|a"});
  CHECK_FALSE(w.sent[0].caller_waits);
  w.post("c", true);
  w.host.run();
  REQUIRE(w.sent.size() == 2);
  CHECK(ids_of(w.sent[1]) == strings{"counter|c"});
  CHECK(w.sent[1].caller_waits);
}

TEST_CASE("Each answer goes to the aggregate whose write it is for, over several turns") {
  world w;
  w.post("a");
  w.post("b");
  w.host.run();
  w.post("c");
  w.post("a");
  w.host.run();
  w.answer({}, 1);
  CHECK(w.answers == strings{"a ok"});
  w.answer(error{errc::io, "storing events"}, 1);
  CHECK(w.answers == strings{"a ok", "b failed"});
  w.answer({}, 2);
  CHECK(w.answers == strings{"a ok", "b failed", "c ok", "a ok"});
}

TEST_CASE("An aggregate that waits for an answer stays in memory beyond the limit, and leaves when it has it") {
  world w;
  w.shard = spawn<aggregate_shard>(w.host, placement::shared, w.around, w.host, std::size_t{1}, w.live, w.counts);
  w.post("a");
  w.post("b");
  w.post("c");
  w.host.run();
  CHECK(w.live == 3);
  w.answer({}, 3);
  w.post("d");
  w.host.run();
  w.answer({}, 1);
  w.post("d");
  w.host.run();
  CHECK(w.live == 1);
  CHECK(w.answers == strings{"a ok", "b ok", "c ok", "d ok"});
}

#include "aggregate/directory_sender.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "journal/committer.hpp"
#include "support/catch.hpp"
#include "support/counter.hpp"
#include "support/manual_host.hpp"
#include "support/tally.hpp"
#include "tyto/dead_letter.hpp"
#include "tyto/memory_store.hpp"

using namespace tyto;
using namespace tyto::test;
using namespace tyto::detail;

namespace {

struct world {
  manual_clock time;
  manual_host host{time};
  storage stores = open_memory();
  event_bus bus{0, 1'000, 1'000};
  health_board health{time};
  snapshot_queue snapshots{nullptr, host, health, [](std::string_view) {}};
  aggregate_surroundings around{
      {*stores.journal, nullptr, 1'000, [](std::string_view) {}},
      time,
      host,
      spawn<committer>(
          host, placement::dedicated, *stores.journal, bus, host, health, [](std::string_view) {}, std::size_t{1'000}),
      snapshots,
      health,
      1'000,
      std::chrono::milliseconds{10},
      std::chrono::milliseconds{1'000}};
  directory aggregates{around, host, 1'000};
  const directory_sender::definitions known{&definition_of<counter>()};
  directory_sender sender{aggregates, known};

  // Sends `command`, which is to be refused before anything is posted, and returns why it was.
  error refusal_of(const outgoing_command& command, const command_options& options = {}) {
    std::optional<error> why;
    const auto note = [&why](const command_result& outcome) {
      REQUIRE_FALSE(outcome);
      REQUIRE(outcome.error().failed());
      why = *outcome.error().failed();
    };
    sender.send(command, options, note);
    REQUIRE(why);
    CHECK(why->code() == errc::invalid_argument);
    CHECK(aggregates.live() == 0);
    host.run();
    CHECK(stores.journal->head().value() == 0);
    return *why;
  }
  std::string refusal_with(const command_options& options) {
    return refusal_of(send<counter>("1", count{}), options).message();
  }

  std::optional<command_result> answer_to(const outgoing_command& command, const command_options& options = {}) {
    std::optional<command_result> answer;
    sender.send(command, options, [&answer](const command_result& outcome) { answer.emplace(outcome); });
    host.run();
    return answer;
  }
};

}  // namespace

TEST_CASE("A command arrives at its aggregate with everything that came along") {
  world w;
  command_options options;
  options.command_id = std::string(255, 'c');
  options.correlation_id = std::string(255, 'r');
  options.causation_id = std::string(255, 'a');
  options.tags = std::vector<std::string>(255, std::string(255, 't'));
  const auto answer = w.answer_to(send<counter>("1", count{7}), options);
  REQUIRE(answer);
  REQUIRE(*answer);
  CHECK((*answer)->sequence_number == 1);
  int events = 0;
  w.stores.journal
      ->read_stream("counter|1", 1,
                    [&](const event_view& event) {
                      ++events;
                      CHECK(from_bytes<counted>(event.payload).value().by == 7);
                      CHECK(event.meta.command_id == options.command_id);
                      CHECK(event.meta.correlation_id == options.correlation_id);
                      CHECK(event.meta.causation_id == options.causation_id);
                      CHECK(event.meta.tags == options.tags);
                      return visit::next;
                    })
      .value();
  CHECK(events == 1);
}

TEST_CASE("Commands that are sent together arrive in order, and each is answered under its place, refused ones too") {
  struct answers final : answer_taker {
    void answered(std::size_t number, const command_result& outcome) override {
      versions[number] = outcome ? outcome->sequence_number : 0;
    }
    std::map<std::size_t, std::uint64_t> versions;
  };
  world w;
  const auto got = std::make_shared<answers>();
  std::vector<command_to_send> all;
  for (const auto* id : {"1", "2", "1", "", "2", "1"}) all.push_back({send<counter>(id, count{}), {}});
  w.sender.send_together(std::move(all), got);
  w.host.run();
  CHECK(got->versions == std::map<std::size_t, std::uint64_t>{{0, 1}, {1, 1}, {2, 2}, {3, 0}, {4, 2}, {5, 3}});
}

TEST_CASE("What becomes of a stream is asked for like a command") {
  world w;
  REQUIRE(w.answer_to(send<counter>("1", count{})));
  REQUIRE(w.answer_to(close_stream<counter>("1")).value());
  CHECK(w.stores.journal->info("counter|1").value().state == stream_state::closed);
}

TEST_CASE("A command to an aggregate that is not registered is refused by its name") {
  world w;
  const auto why = w.refusal_of(send<tally>("1", add{}));
  CHECK(why.doing() == "sending a command to tally|1");
  CHECK(why.detail() == "the runtime has no such aggregate; register it before start()");
}

TEST_CASE("A command that was never made is refused") {
  world w;
  const auto why = w.refusal_of(outgoing_command{});
  CHECK(why.code() == errc::invalid_argument);
  CHECK(why.detail() == "it is empty; make it with send()");
}

TEST_CASE("A consumer's record is written to though nobody registers it") {
  world w;
  const auto answer = w.answer_to(
      send<consumer_record>("billing", consumer_record::skip{{3, "order|1", "order.created", "poison", 1}}));
  REQUIRE(answer);
  CHECK(*answer);
  CHECK(w.stores.journal->info("tyto.consumer|billing").value().version == 1);
}

TEST_CASE("A command to a name that is no stream's is refused") {
  world w;
  CHECK_THAT(w.refusal_of(send<counter>("", count{})).message(),
             Catch::Contains("'counter|'") && Catch::Contains("neither part empty"));
  CHECK_THAT(w.refusal_of(send<counter>(std::string(400, 'x'), count{})).message(),
             Catch::Contains("it has 408 bytes, the limit is 400"));
  CHECK_THAT(w.refusal_of(send<counter>(std::string_view{"a\0b", 3}, count{})).message(), Catch::Contains("NUL"));
}

TEST_CASE("A command with too long an id is refused by its beginning") {
  const std::string too_long(256, 'x');
  const auto why =
      "sending a command to counter|1: the id or tag '" + std::string(40, 'x') + "...' has 256 bytes, the limit is 255";
  world w;
  CHECK(w.refusal_with({.command_id = too_long}) == why);
  CHECK(w.refusal_with({.correlation_id = too_long}) == why);
  CHECK(w.refusal_with({.causation_id = too_long}) == why);
  CHECK(w.refusal_with({.tags = {"short", too_long}}) == why);
}

TEST_CASE("A command with too many tags is refused with their number") {
  world w;
  CHECK_THAT(w.refusal_with({.tags = std::vector<std::string>(256, "t")}),
             Catch::Contains("256 tags, the limit is 255"));
}


#include "aggregate/aggregate_memory.hpp"
#include "support/catch.hpp"
#include "support/tally.hpp"
#include "tyto/memory_store.hpp"
#include "tyto/upcasting.hpp"

using namespace tyto;
using namespace tyto::test;
using namespace tyto::detail;

namespace {

// A stream of tallies as an older program wrote it, with a command id for each event: "moved" counts twice by its
// amount, "pinged" is of no interest any more.
struct world {
  storage stored = open_memory();
  storage opened = upcasting(stored, changes());
  std::vector<std::string> log;

  static upcasters changes() {
    upcasters made;
    made.retire("tally.pinged").split("tally.moved", 1, [](const document& d) {
      return std::vector<upcasted>(2, {std::string{stored_name<tallied>}, 1, d});
    });
    return made;
  }

  void append(const std::string& type, std::int64_t by = 0) {
    auto write = std::make_shared<stream_write>();
    write->persistence_id = "tally|1";
    auto& event = write->events.emplace_back();
    event.meta.type = type;
    event.meta.command_id = "command " + std::to_string(version() + 1);
    event.payload = to_bytes(tallied{by});
    append_and_wait(*stored.journal, {{write}, {}}).value().at(0).value();
  }
  void retain(retention change) {
    auto write = std::make_shared<stream_write>();
    write->persistence_id = "tally|1";
    write->retain = std::move(change);
    append_and_wait(*stored.journal, {{write}, {}}).value().at(0).value();
  }
  [[nodiscard]] std::uint64_t version() const { return stored.journal->info("tally|1").value().version; }

  result<aggregate_memory> recover(const aggregate_definition& definition = definition_of<tally>()) {
    return rebuild({*opened.journal, stored.snapshots.get(), 100, [this](auto line) { log.emplace_back(line); }},
                   definition, "tally|1");
  }
  void save_snapshot(const aggregate_memory& memory) {
    const auto number = memory.durable.sequence_number;
    stored.snapshots
        ->save({{"tally|1", number,
                 image_of(memory, definition_of<tally>(), number, memory.instance->image().value(), false), 2}})
        .value();
  }
};

std::int64_t total(const aggregate_memory& memory) {
  const tally::command question = tell{};
  return std::stoll(std::get<rejection>(memory.instance->decide(&question).value()).reason);
}

}  // namespace

TEST_CASE("Recovery applies each part of a split event, and takes the event for one") {
  world w;
  w.append("tally.tallied", 1);
  w.append("tally.moved", 10);
  w.append("tally.tallied", 100);
  const auto memory = w.recover().value();
  CHECK(total(memory) == 121);
  CHECK(memory.durable.sequence_number == 3);
  const auto* outcome = memory.outcomes.find("command 2");
  REQUIRE(outcome != nullptr);
  CHECK(outcome->stored.sequence_number == 2);
  CHECK(outcome->stored.event_count == 1);
}

TEST_CASE("Recovery passes over a retired event, and knows its command and its number") {
  world w;
  w.append("tally.pinged");
  w.append("tally.tallied", 1);
  w.append("tally.pinged");
  const auto memory = w.recover().value();
  CHECK(total(memory) == 1);
  CHECK(memory.durable.sequence_number == 3);
  CHECK(memory.outcomes.find("command 1") != nullptr);
  CHECK(memory.outcomes.find("command 3") != nullptr);
}

TEST_CASE("Recovery from a snapshot after a split event does not apply its parts again") {
  world w;
  w.append("tally.moved", 10);
  w.save_snapshot(w.recover().value());
  w.append("tally.moved", 100);
  const auto memory = w.recover().value();
  CHECK(total(memory) == 220);
  CHECK(memory.durable.sequence_number == 2);
  CHECK(w.log.empty());
}

TEST_CASE("An event that was split when the stream begins with it is whole if its first part is a summary") {
  world w;
  w.append("tally.tallied", 1);
  w.append("tally.moved", 10);
  w.retain({retention::action::truncate, 2, {}});
  upcasters changes;
  const bool begins_with_summary = GENERATE(true, false);
  changes.split("tally.moved", 1, [=](const document& d) -> std::vector<upcasted> {
    document sum;
    sum.set("total", 1'000);
    upcasted summary{std::string{stored_name<carried_forward>}, 1, sum};
    upcasted event{std::string{stored_name<tallied>}, 1, d};
    if (begins_with_summary) return {summary, event};
    return {event, summary};
  });
  w.opened = upcasting(w.stored, changes);
  const auto memory = w.recover(definition_of<tally_of<0>>());
  if (begins_with_summary) {
    CHECK(total(memory.value()) == 1'010);
  } else {
    REQUIRE_FALSE(memory);
    CHECK(memory.error().code() == errc::truncated);
  }
}

TEST_CASE("Recovery fails with the reason why an event cannot be brought up to date") {
  world w;
  w.append("tally.tallied", 1);
  upcasters changes;
  changes.upcast(stored_name<tallied>, 2, [](document&) {});
  w.opened = upcasting(w.stored, changes);
  const auto memory = w.recover();
  REQUIRE_FALSE(memory);
  CHECK(memory.error().code() == errc::missing_upcaster);
}

#include "event_reader.hpp"

#include <tyto/codec.hpp>
#include <tyto/memory_store.hpp>

#include "support/catch.hpp"

namespace tyto::tool {
namespace {

using namespace std::chrono_literals;

struct counted {
  std::uint64_t number = 0;
};
TYTO_EVENT(counted, "counted", number)

// A journal of events of two streams in turn, a second apart.
storage journal_of(std::uint64_t events) {
  auto made = open_memory();
  for (std::uint64_t done = 0; done < events;) {
    append_batch batch;
    for (int i = 0; i < 1'000 && done < events; ++i, ++done) {
      auto write = std::make_shared<stream_write>();
      write->persistence_id = done % 2 == 0 ? "even|x" : "odd|x";
      write->events.resize(1);
      write->events.front().meta.type = "counted";
      write->events.front().meta.time = timestamp{std::chrono::seconds{done + 1}};
      write->events.front().payload = to_bytes(counted{done + 1});
      batch.writes.push_back(std::move(write));
    }
    append_and_wait(*made.journal, std::move(batch)).value();
  }
  return made;
}

std::vector<std::uint64_t> positions(const std::vector<recorded_event>& events) {
  std::vector<std::uint64_t> found;
  for (const auto& each : events) found.push_back(each.meta.position);
  return found;
}

constexpr std::uint64_t many = 20'000;  // several reads

TEST_CASE("Reading goes over the bounds of single reads without a gap") {
  const auto opened = journal_of(many);
  std::uint64_t next = 5;
  const auto end = read(*opened.journal, {5, many - 3}, {}, [&](const event_view& event) -> result<visit> {
    CHECK(event.meta.position == next);
    ++next;
    return visit::next;
  });
  CHECK(end.value() == many - 3);
  CHECK(next == many - 2);
  std::uint64_t scanned = 0;
  CHECK(scan(*opened.journal, {}, {.only = {{}, {"odd"}}}, [&](const event_view&) { ++scanned; }).value() == many);
  CHECK(scanned == many / 2);
}

TEST_CASE("Reading ends where the visitor says, or fails") {
  const auto opened = journal_of(100);
  int seen = 0;
  CHECK(read(*opened.journal, {}, {},
             [&](const event_view&) -> result<visit> { return ++seen == 7 ? visit::stop : visit::next; }));
  CHECK(seen == 7);
  const auto failed = read(*opened.journal, {}, {}, [&](const event_view&) -> result<visit> {
    return error{errc::io, "writing", "no"};
  });
  CHECK(failed.error().code() == errc::io);
}

TEST_CASE("The last events are found wherever they are") {
  const auto opened = journal_of(many);
  CHECK(positions(last_events(*opened.journal, many, 3, {}).value()) ==
        std::vector<std::uint64_t>{many - 2, many - 1, many});
  CHECK(last_events(*opened.journal, many, many * 2, {}).value().size() == many);
  CHECK(positions(last_events(*opened.journal, many, 2, {.only = {{}, {"odd"}}}).value()) ==
        std::vector<std::uint64_t>{many - 2, many});
  event_selection first;
  first.where.push_back({"number", "1"});
  CHECK(positions(last_events(*opened.journal, many, 5, first).value()) == std::vector<std::uint64_t>{1});
  event_selection recent;
  recent.since = timestamp{std::chrono::seconds{many - 9'000}};
  CHECK(last_events(*opened.journal, many, many, recent).value().size() == 9'001);
  recent.until = timestamp{std::chrono::seconds{many - 8'900}};  // before all of the last part
  CHECK(last_events(*opened.journal, many, many, recent).value().size() == 100);
  recent.correlation = "none";
  CHECK(last_events(*opened.journal, many, many, recent).value().empty());
  CHECK(last_events(*opened.journal, 0, 5, {}).value().empty());
}

TEST_CASE("A stream that is longer than one read is read whole") {
  const auto opened = journal_of(many * 2);
  std::uint64_t next = 1;
  const auto known = read_stream(*opened.journal, "odd|x", 1, [&](const event_view& event) -> result<visit> {
    CHECK(event.meta.sequence_number == next);
    ++next;
    return visit::next;
  });
  CHECK(known.value().version == many);
  CHECK(next == many + 1);
}

TEST_CASE("A condition reaches into the payload") {
  CHECK_FALSE(field_condition::parse("cents"));
  CHECK_FALSE(field_condition::parse("=5"));
  const auto condition = field_condition::parse("a.b=c=d").value();
  CHECK(condition.path == "a.b");
  CHECK(condition.value == "c=d");
}

}  // namespace
}  // namespace tyto::tool

#include "journal_reader.hpp"

#include <numeric>

#include "counted_journal.hpp"
#include "support/catch.hpp"

using namespace tyto;
using namespace tyto::detail;
using namespace tyto::test;

namespace {

using numbers = std::vector<std::uint64_t>;

numbers from_to(std::uint64_t first, std::uint64_t last) {
  numbers made(last - first + 1);
  std::iota(made.begin(), made.end(), first);
  return made;
}

wanted_events most(std::size_t limit) {
  wanted_events made;
  made.limit = limit;
  made.patience = std::chrono::hours{1};
  return made;
}

}  // namespace

TEST_CASE("Events are read on from where the last answer has left off") {
  const auto opened = journal_of(25);
  numbers seen;
  std::optional<std::uint64_t> next = 1;
  while (next) {
    const auto found = events_from(*opened.journal, *next, most(10)).value();
    const auto positions = positions_of(found.events);
    seen.insert(seen.end(), positions.begin(), positions.end());
    next = found.goes_on;
  }
  CHECK(seen == from_to(1, 25));
  CHECK(events_from(*opened.journal, 99, most(10)).value().events.empty());
}

TEST_CASE("Events are read back from the end to the beginning") {
  const auto opened = journal_of(25);
  numbers seen;
  std::optional<std::uint64_t> before = 99;
  while (before) {
    const auto found = events_before(*opened.journal, *before, most(10)).value();
    const auto positions = positions_of(found.events);
    seen.insert(seen.begin(), positions.begin(), positions.end());
    before = found.goes_on;
  }
  CHECK(seen == from_to(1, 25));
}

TEST_CASE("What is wanted is found far away, forwards and backwards") {
  const auto opened = journal_of(20'000);
  auto wanted = most(3);
  wanted.which.where = {{"number", "7"}};
  CHECK(positions_of(events_from(*opened.journal, 1, wanted).value().events) == numbers{7});
  CHECK(positions_of(events_before(*opened.journal, 20'001, wanted).value().events) == numbers{7});
  wanted = most(2);
  wanted.stream = "odd|x";
  CHECK(positions_of(events_before(*opened.journal, 20'001, wanted).value().events) == numbers{19'997, 19'999});
}

TEST_CASE("A search without patience says where to go on") {
  const auto opened = journal_of(20'000);
  auto wanted = most(3);
  wanted.which.where = {{"number", "19999"}};
  wanted.patience = std::chrono::milliseconds{-1};
  const auto found = events_from(*opened.journal, 1, wanted).value();
  CHECK(found.events.empty());
  CHECK(found.goes_on == 8'193);
}

TEST_CASE("An answer has some megabytes at most") {
  const auto opened = journal_of(10, std::string(1'000'000, 'x'));
  const auto first = events_from(*opened.journal, 1, most(1'000)).value();
  CHECK(positions_of(first.events) == from_to(1, 5));
  CHECK(first.goes_on == 6);
  const auto last = events_before(*opened.journal, 11, most(1'000)).value();
  CHECK(positions_of(last.events) == from_to(7, 10));
  CHECK(last.goes_on == 7);
}

TEST_CASE("The parts of a split event stay together") {
  const auto opened = with_each_split(journal_of(5));
  const auto first = events_from(*opened.journal, 1, most(3)).value();
  CHECK(positions_of(first.events) == numbers{1, 1, 2, 2});
  CHECK(first.goes_on == 3);
  const auto last = events_before(*opened.journal, 6, most(2)).value();
  CHECK(positions_of(last.events) == numbers{4, 4, 5, 5});
  CHECK(last.goes_on == 4);
}

TEST_CASE("Of a stream the last events are shown, or those from one on") {
  const auto opened = journal_of(20);
  const auto last = events_of_stream(*opened.journal, "even|x", std::nullopt, 3).value();
  CHECK(positions_of(last.found.events) == numbers{16, 18, 20});
  CHECK(last.known.version == 10);
  CHECK_FALSE(last.found.goes_on);
  const auto first = events_of_stream(*opened.journal, "even|x", 2, 3).value();
  CHECK(positions_of(first.found.events) == numbers{4, 6, 8});
  CHECK(first.found.goes_on == 5);
  CHECK(events_of_stream(*opened.journal, "even", std::nullopt, 3).error().code() == errc::invalid_argument);
  CHECK(events_of_stream(*opened.journal, "no|x", std::nullopt, 3).value().found.events.empty());
}

TEST_CASE("An event that cannot be read is shown without its payload") {
  metadata meta;
  meta.position = 7;
  meta.causation_id = "billing/5.1";
  const auto shown = nlohmann::json::parse(json_with_cause({meta, "\xc1"}));
  CHECK(shown["position"] == 7);
  CHECK(shown["payload"].is_null());
  CHECK(shown["unreadable"] == true);
  CHECK(shown["caused_by"] == 5);
  CHECK(shown["consumer"] == "billing");
}

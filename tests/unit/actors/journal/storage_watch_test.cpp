#include "journal/storage_watch.hpp"

#include "support/catch.hpp"
#include "support/manual_host.hpp"

using namespace tyto;
using namespace tyto::test;
using namespace tyto::detail;

namespace {

constexpr std::int64_t this_process = 7;

struct world {
  manual_clock time;
  manual_host host{time};
  health_board health{time};
  std::vector<std::string> lines;
  storage_condition journal;
  address<storage_watch_message> watch = spawn<storage_watch>(
      host, placement::shared, host, health, [this](std::string_view line) { lines.emplace_back(line); }, this_process,
      std::vector<watched_storage>{{"journal", [this] { return journal; }}});

  world() {
    watch.post(look_at_storage{});
    host.run();
  }
  std::vector<health_problem> after_a_while() {
    host.advance(storage_watch::interval);
    return health.shown().problems;
  }
};

}  // namespace

TEST_CASE("Files that are gone are reported and logged once, also while nothing is written") {
  world w;
  CHECK(w.after_a_while().empty());
  w.journal.files = error{errc::io, "looking for the files of 'data/journal'"};
  auto problems = w.after_a_while();
  problems = w.after_a_while();
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].subject == "files of the journal");
  CHECK_THAT(problems[0].why.message(), Catch::Contains("data/journal"));
  CHECK(problems[0].times == 2);
  CHECK(w.lines.size() == 1);
}

TEST_CASE("A reader that keeps much from being used again is reported with its process, until it goes on") {
  world w;
  w.journal.slowest_reader = lagging_reader{41, 1'000'000, storage_watch::held_bytes_max - 1};
  CHECK(w.after_a_while().empty());
  w.journal.slowest_reader = lagging_reader{42, 12'345, std::uint64_t{80} << 20};
  auto problems = w.after_a_while();
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].subject == "readers of the journal");
  CHECK_THAT(problems[0].why.message(),
             Catch::Contains("process 42 ") && Catch::Contains("12345 commits") && Catch::Contains("80 MiB"));
  w.journal.slowest_reader->process = this_process;
  CHECK_THAT(w.after_a_while().at(0).why.message(), Catch::Contains("this process (7)"));
  CHECK(w.lines.size() == 1);
  w.journal.slowest_reader.reset();
  CHECK(w.after_a_while().empty());
}

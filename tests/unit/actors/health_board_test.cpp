#include "health_board.hpp"

#include "support/catch.hpp"
#include "support/manual_host.hpp"

using namespace tyto;
using namespace tyto::test;
using namespace tyto::detail;

TEST_CASE("What failed is shown with its last error, since when and how often, until it works again") {
  manual_clock time;
  health_board board{time};
  CHECK(board.shown().is_healthy());
  const auto since = time.now();
  board.report("journal", error{errc::full, "appending"});
  time.advance(std::chrono::seconds{1});
  board.report("journal", error{errc::io, "appending"});
  board.report("order|1", error{errc::damaged, "recovering"});

  const auto shown = board.shown();
  CHECK_FALSE(shown.is_healthy());
  REQUIRE(shown.problems.size() == 2);
  CHECK(shown.problems[0].subject == "journal");
  CHECK(shown.problems[0].why.code() == errc::io);
  CHECK(shown.problems[0].since == since);
  CHECK(shown.problems[0].times == 2);

  board.clear("journal");
  board.clear("nothing of the kind");
  REQUIRE(board.shown().problems.size() == 1);
  board.clear("order|1");
  CHECK(board.shown().is_healthy());
}

TEST_CASE("What fails again and again is logged at 10, 100 and 1,000 times, and when it is over") {
  manual_clock time;
  std::vector<std::string> lines;
  health_board board{time, [&](std::string_view line) { lines.emplace_back(line); }};
  board.report("once", error{errc::io, "trying"});
  board.clear("once");
  CHECK(lines.empty());
  for (int i = 0; i < 3'264; ++i) board.report("journal", error{errc::full, "appending"});
  REQUIRE(lines.size() == 3);
  CHECK(lines[2] == "journal, 1000 times by now: " + error{errc::full, "appending"}.message());
  board.clear("journal");
  REQUIRE(lines.size() == 4);
  CHECK(lines[3] == "journal: over, after 3264 times");
  board.clear("journal");
  CHECK(lines.size() == 4);
}

TEST_CASE("Of very many that fail the later ones are only counted") {
  manual_clock time;
  health_board board{time};
  for (int i = 0; i < 1'200; ++i) board.report("order|" + std::to_string(i), error{errc::io, "recovering"});
  CHECK(board.shown().problems.size() == 1'000);
  CHECK(board.shown().unlisted == 200);
}

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

TEST_CASE("A failure of another kind than those before is logged, each kind once until it is over") {
  manual_clock time;
  std::vector<std::string> lines;
  health_board board{time, [&](std::string_view line) { lines.emplace_back(line); }};
  const error full{errc::full, "appending"};
  const error io{errc::io, "appending"};
  board.report("journal", full);
  for (int i = 0; i < 3; ++i) {
    board.report("journal", io);
    board.report("journal", full);
  }
  CHECK(lines == std::vector<std::string>{"journal, 2 times by now: " + io.message()});
  board.clear("journal");
  board.report("journal", full);
  board.report("journal", io);
  CHECK(lines.size() == 3);
  CHECK(lines.back() == "journal, 2 times by now: " + io.message());
}

TEST_CASE("A condition is shown as it is, and is neither counted nor logged") {
  manual_clock time;
  std::vector<std::string> lines;
  health_board board{time, [&](std::string_view line) { lines.emplace_back(line); }};
  const auto since = time.now();
  for (int i = 1; i <= 10; ++i) {
    board.report_condition("dead letters", error{errc::handler_failed, "waiting", std::to_string(i)});
    time.advance(std::chrono::seconds{1});
  }
  const auto shown = board.shown();
  REQUIRE(shown.problems.size() == 1);
  CHECK(shown.problems[0].why.detail() == "10");
  CHECK(shown.problems[0].since == since);
  CHECK(shown.problems[0].times == 1);
  board.clear("dead letters");
  CHECK(board.shown().is_healthy());
  CHECK(lines.empty());
}

TEST_CASE("Of very many that fail the later ones are only counted, each once and until it works again") {
  manual_clock time;
  health_board board{time};
  const auto order = [](int i) { return "order|" + std::to_string(i); };
  const error why{errc::io, "recovering"};
  for (int times = 0; times < 2; ++times) {
    for (int i = 0; i < 1'200; ++i) board.report(order(i), why);
  }
  CHECK(board.shown().problems.size() == 1'000);
  CHECK(board.shown().unlisted == 200);
  board.clear(order(1'100));
  CHECK(board.shown().unlisted == 199);
  SECTION("one that fails again when there is room is listed") {
    board.clear(order(0));
    board.report(order(1'101), why);
    CHECK(board.shown().problems.size() == 1'000);
    CHECK(board.shown().unlisted == 198);
  }
  SECTION("when all work again, all is well") {
    for (int i = 0; i < 1'200; ++i) board.clear(order(i));
    CHECK(board.shown().is_healthy());
  }
}

TEST_CASE("Of those that are only counted there is a limit") {
  manual_clock time;
  health_board board{time};
  for (int i = 0; i < 101'500; ++i) board.report("order|" + std::to_string(i), error{errc::io, "recovering"});
  CHECK(board.shown().unlisted == 100'000);
}

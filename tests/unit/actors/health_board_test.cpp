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

TEST_CASE("Of very many that fail the later ones are only counted") {
  manual_clock time;
  health_board board{time};
  for (int i = 0; i < 1'200; ++i) board.report("order|" + std::to_string(i), error{errc::io, "recovering"});
  CHECK(board.shown().problems.size() == 1'000);
  CHECK(board.shown().unlisted == 200);
}

#include "pace.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "support/catch.hpp"

using shop::pace;

namespace {

std::vector<long> rounded(const std::vector<double>& rates) {
  std::vector<long> all;
  for (const auto each : rates) all.push_back(static_cast<long>(each + 0.5));
  return all;
}

}  // namespace

TEST_CASE("A run that has lasted no time has no pace") {
  pace run;
  CHECK(run.in_parts(10).empty());
  run.note(0, 7);
  CHECK(run.in_parts(10).empty());
}

TEST_CASE("The pace of a run is told for each part of its time, whenever it was looked at") {
  pace run;
  run.note(1, 500);  // what was there before does not count
  run.note(2, 600);
  run.note(5, 1'200);
  CHECK(rounded(run.in_parts(1)) == std::vector<long>{175});
  CHECK(rounded(run.in_parts(2)) == std::vector<long>{150, 200});
  CHECK(rounded(run.in_parts(4)) == std::vector<long>{100, 200, 200, 200});
}

TEST_CASE("The pace of a long run that is looked at all the time is right to the end") {
  pace run;
  std::uint64_t events = 0;
  for (int i = 0; i <= 1'000'000; ++i) {
    run.note(i / 1e3, events);
    events += i < 500'000 ? 4 : 1;
  }
  // What comes between two notes is taken to come evenly, so the change may be seen one note late.
  const auto parts = run.in_parts(4);
  REQUIRE(parts.size() == 4);
  const double expected[] = {4'000, 4'000, 1'000, 1'000};
  for (std::size_t i = 0; i < parts.size(); ++i) CHECK(std::abs(parts[i] - expected[i]) <= expected[i] / 500);
}

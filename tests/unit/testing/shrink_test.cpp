#include "shrink.hpp"

#include <algorithm>
#include <numeric>

#include "support/catch.hpp"

using tyto::testing::script;
using tyto::testing::shrink;
using numbers = std::vector<std::uint64_t>;

namespace {

constexpr std::size_t enough = 10'000;

script long_one() {
  script made{20, numbers(50), numbers(200), numbers(80)};
  std::iota(made.actions.begin(), made.actions.end(), 1);
  std::iota(made.schedule.begin(), made.schedule.end(), 1);
  std::iota(made.faults.begin(), made.faults.end(), 1);
  return made;
}

std::uint64_t at(const numbers& list, std::size_t place) { return place < list.size() ? list[place] : 0; }

}  // namespace

TEST_CASE("What always fails is shortened to nothing") {
  const auto shortest = shrink(
      long_one(), [](const script&) { return true; }, enough);
  CHECK(shortest.most_actions == 0);
  CHECK(shortest.actions.empty());
  CHECK(shortest.schedule.empty());
  CHECK(shortest.faults.empty());
}

TEST_CASE("What is left is what the failure needs, each number the lowest that will do") {
  const auto fails = [](const script& tried) {
    return tried.most_actions >= 3 && at(tried.faults, 5) >= 4 && at(tried.schedule, 7) == 8;
  };
  const auto shortest = shrink(long_one(), fails, enough);
  CHECK(shortest.most_actions == 3);
  CHECK(shortest.actions.empty());
  CHECK(shortest.schedule == numbers{0, 0, 0, 0, 0, 0, 0, 8});
  CHECK(shortest.faults == numbers{0, 0, 0, 0, 0, 4});
}

TEST_CASE("Actions that are not needed are taken out, also before those that are") {
  const auto fails = [](const script& tried) { return std::ranges::count(tried.actions, 30) > 0; };
  CHECK(shrink(long_one(), fails, enough).actions == numbers{30});
}

TEST_CASE("Shrinking ends after so many runs, with a script that fails") {
  std::size_t runs = 0;
  const auto fails = [&runs](const script& tried) {
    ++runs;
    return at(tried.faults, 70) == 71;
  };
  const auto shortest = shrink(long_one(), fails, 30);
  CHECK(runs == 30);
  CHECK(fails(shortest));
  CHECK(shortest.faults.size() <= 80);
  runs = 0;
  CHECK(shrink(long_one(), fails, 0).faults == long_one().faults);
  CHECK(runs == 0);
}

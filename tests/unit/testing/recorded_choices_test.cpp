#include "recorded_choices.hpp"

#include "support/catch.hpp"

using tyto::testing::recorded_choices;
using numbers = std::vector<std::uint64_t>;

namespace {

constexpr std::uint64_t largest = ~std::uint64_t{0};

// Draws what a run might: numbers below bounds of every size.
numbers draw_some(tyto::testing::choices& from) {
  numbers drawn;
  for (std::uint64_t bound = 1; bound < largest / 2; bound += bound / 2 + 1) drawn.push_back(from.below(bound));
  return drawn;
}

}  // namespace

TEST_CASE("A seed always gives the same numbers") {
  recorded_choices first{7};
  recorded_choices second{7};
  recorded_choices other{8};
  CHECK(draw_some(first) == draw_some(second));
  CHECK(draw_some(first) != draw_some(other));
  // On every machine: these are the numbers of SplitMix64 for the seed 1234567.
  recorded_choices known{1234567};
  CHECK(known.below(largest) == 6457827717110365317);
  CHECK(known.below(largest) == 3203168211198807973);
  CHECK(known.below(1000) == 423);
}

TEST_CASE("Every number below a bound is drawn, and none beyond") {
  recorded_choices from{1};
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 200; ++i) seen.insert(from.below(5));
  CHECK(seen == std::set<std::uint64_t>{0, 1, 2, 3, 4});
}

TEST_CASE("What was drawn can be drawn again") {
  recorded_choices first{42};
  const auto drawn = draw_some(first);
  CHECK(first.drawn() == drawn);
  recorded_choices again{first.drawn()};
  CHECK(draw_some(again) == drawn);
  CHECK(again.drawn() == drawn);
}

TEST_CASE("A list of numbers that are too large or too few is made to fit") {
  recorded_choices from{numbers{7, 9}};
  CHECK(from.below(5) == 2);
  CHECK(from.below(10) == 9);
  CHECK(from.below(10) == 0);
  CHECK(from.below(3) == 0);
  CHECK(from.drawn() == numbers{2, 9, 0, 0});
}

TEST_CASE("Something happens once in so many times, and the number 0 is that it does not") {
  recorded_choices from{3};
  int happened = 0;
  for (int i = 0; i < 1000; ++i) happened += from.one_in(4) ? 1 : 0;
  CHECK(happened > 150);
  CHECK(happened < 350);
  recorded_choices nothing{numbers{}};
  CHECK_FALSE(nothing.one_in(2));
  CHECK(nothing.one_in(1));
}

TEST_CASE("What never happens draws nothing") {
  recorded_choices from{3};
  CHECK_FALSE(from.one_in(0));
  CHECK(from.drawn().empty());
}

TEST_CASE("A range is drawn from its first number to its last") {
  recorded_choices from{numbers{0, 5}};
  CHECK(from.between(10, 15) == 10);
  CHECK(from.between(10, 15) == 15);
  CHECK(from.between(3, 3) == 3);
}

TEST_CASE("One of several is picked, the first where nothing else is drawn") {
  const std::vector<std::string> all{"oldest", "newer", "newest"};
  recorded_choices from{numbers{2}};
  CHECK(from.pick(all) == "newest");
  CHECK(from.pick(all) == "oldest");
}

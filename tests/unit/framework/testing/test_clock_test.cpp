#include "tyto/testing/test_clock.hpp"

#include <array>
#include <thread>

#include "support/catch.hpp"

using tyto::testing::noon;
using tyto::testing::test_clock;

TEST_CASE("A test clock stands still until it is moved") {
  test_clock time;
  CHECK(time.now() == noon);
  time.advance(std::chrono::minutes{5});
  CHECK(time.now() == noon + std::chrono::minutes{5});
  time.advance(std::chrono::minutes{-10});
  CHECK(time.now() == noon - std::chrono::minutes{5});
  time.set(noon);
  CHECK(time.now() == noon);
  CHECK(test_clock{noon + std::chrono::hours{1}}.now() == noon + std::chrono::hours{1});
}

TEST_CASE("No step of a test clock is lost that threads make at the same time") {
  test_clock time;
  std::array<std::thread, 4> threads;
  for (auto& each : threads) {
    each = std::thread{[&time] {
      for (int i = 0; i < 10'000; ++i) time.advance(std::chrono::microseconds{1});
    }};
  }
  for (auto& each : threads) each.join();
  CHECK(time.now() == noon + std::chrono::microseconds{40'000});
}

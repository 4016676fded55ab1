#include "tyto/clock.hpp"
#include "support/catch.hpp"

TEST_CASE("The system clock is the operating system's, rounded down to microseconds") {
  const auto before = std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
  const auto now = tyto::system_clock()->now();
  CHECK(before <= now);
  CHECK(now <= std::chrono::system_clock::now());
}

TEST_CASE("There is one system clock") { CHECK(tyto::system_clock() == tyto::system_clock()); }

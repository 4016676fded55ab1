#include "tyto/result.hpp"

#include <memory>
#include <string>

#include "support/catch.hpp"

using tyto::bad_result_access;
using tyto::errc;
using tyto::error;
using tyto::result;

TEST_CASE("A result gives its value back") {
  result<std::string> good{std::string{"owl"}};
  REQUIRE(good);
  CHECK(good.value() == "owl");
  CHECK(*good == "owl");
  CHECK(good->size() == 3);
}

TEST_CASE("A failed result that is asked for its value throws with the whole message") {
  const result<int> failed{error{errc::io, "opening", "refused"}.because(error{errc::full, "growing"})};
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code() == errc::io);
  CHECK_THROWS_AS(failed.value(), bad_result_access);
  CHECK_THROWS_WITH(failed.value(), "opening: refused; caused by growing: full");
}

TEST_CASE("A result hands over a value that can only be moved") {
  result<std::unique_ptr<int>> made{std::make_unique<int>(7)};
  const auto owner = std::move(made).value();
  CHECK(*owner == 7);
}

TEST_CASE("A result without a value is success or an error") {
  const result<void> good;
  CHECK(good);
  CHECK_NOTHROW(good.value());
  const result<void> failed{error{errc::stopped, "sending"}};
  CHECK_FALSE(failed);
  CHECK(failed.error().code() == errc::stopped);
  CHECK_THROWS_WITH(failed.value(), "sending: stopped");
}

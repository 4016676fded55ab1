#include "tyto/error.hpp"

#include <set>
#include <string>

#include "support/catch.hpp"

using tyto::errc;
using tyto::error;

TEST_CASE("An error's message says what was being done and what was wrong") {
  CHECK(error{errc::io, "opening ./data", "no such device"}.message() == "opening ./data: no such device");
}

TEST_CASE("An error without a detail says its code") {
  CHECK(error{errc::overloaded, "sending to order|1"}.message() == "sending to order|1: overloaded");
}

TEST_CASE("An error's message goes down the chain of causes") {
  const auto failed = error{errc::stopped, "starting", "no journal"}.because(
      error{errc::io, "opening", "refused"}.because(error{errc::permission, "reading /x"}));
  CHECK(failed.message() == "starting: no journal; caused by opening: refused; caused by reading /x: permission");
  REQUIRE(failed.cause());
  REQUIRE(failed.cause()->cause());
  CHECK(failed.cause()->cause()->code() == errc::permission);
  CHECK(failed.cause()->cause()->cause() == nullptr);
}

TEST_CASE("An error's message is one printable line, whatever names and causes are in it") {
  const auto failed =
      error{errc::damaged, "reading order|1\x1b[2J", "two\nlines"}.because(error{errc::io, "opening \xff", "\u202e"});
  CHECK(failed.message() == "reading order|1\\x1b[2J: two\\nlines; caused by opening \\xff: \\u202e");
  CHECK(failed.detail() == "two\nlines");
}

TEST_CASE("An error carries the version that a stream was at") {
  CHECK_FALSE((error{errc::conflict, "appending"}.conflict()));
  const auto failed = error{errc::conflict, "appending"}.with(tyto::version_conflict{7});
  REQUIRE(failed.conflict());
  CHECK(failed.conflict()->actual == 7);
}

TEST_CASE("Every code has a name of its own") {
  std::set<std::string_view> names;
  for (int code = 0; code <= static_cast<int>(errc::io); ++code) names.insert(name(static_cast<errc>(code)));
  CHECK(names.size() == static_cast<std::size_t>(errc::io) + 1);
  CHECK(names.count("unknown") == 0);
  CHECK(name(errc::unknown_event_type) == "unknown_event_type");
}

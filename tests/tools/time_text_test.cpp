#include "time_text.hpp"

#include "support/catch.hpp"

namespace tyto::tool {
namespace {

using namespace std::chrono_literals;

const timestamp now{std::chrono::sys_days{std::chrono::year{2026} / 3 / 2} + 9h + 30min};

TEST_CASE("An age is counted back from now") {
  CHECK(parse_time("90s", true, now).value() == now - 90s);
  CHECK(parse_time("10m", true, now).value() == now - 10min);
  CHECK(parse_time("2h", true, now).value() == now - 2h);
  CHECK(parse_time("3d", true, now).value() == now - 72h);
  CHECK(parse_time("1w", true, now).value() == now - 168h);
}

TEST_CASE("A date is the begin of its day, and may have a time and a zone") {
  const timestamp day{std::chrono::sys_days{std::chrono::year{2026} / 1 / 31}};
  CHECK(parse_time("2026-01-31", true, now).value() == day);
  CHECK(parse_time("2026-01-31T23:59", true, now).value() == day + 23h + 59min);
  CHECK(parse_time("2026-01-31 23:59:58.25", true, now).value() == day + 23h + 59min + 58s + 250ms);
  CHECK(parse_time("2026-01-31T12:00Z", false, now).value() == day + 12h);
  CHECK(parse_time("2026-01-31T12:00+02:00", false, now).value() == day + 10h);
  CHECK(parse_time("2026-01-31T12:00:00-0530", false, now).value() == day + 17h + 30min);
}

TEST_CASE("What is no time is refused") {
  const auto* const wrong = GENERATE("", "s", "5", "-5s", "5y", "99999999999s", "2026", "2026-1-1", "2026-02-30",
                                     "2026-01-01T", "2026-01-01T24:00", "2026-01-01T10", "2026-01-01T10:00:60",
                                     "2026-01-01T10:00:00.", "2026-01-01T10:00+15:00", "2026-01-01 x", " 5s", "5s ");
  CAPTURE(wrong);
  const auto read = parse_time(wrong, true, now);
  REQUIRE_FALSE(read);
  CHECK(read.error().code() == errc::invalid_argument);
}

TEST_CASE("Times and spans are shown in a form that suits people") {
  CHECK(show_time(now + 15us, true) == "2026-03-02 09:30:00.000015Z");
  CHECK(show_span(850us) == "850 us");
  CHECK(show_span(12'400us) == "12.4 ms");
  CHECK(show_span(3'100ms) == "3.1 s");
  CHECK(show_span(125s) == "2 min 5 s");
  CHECK(show_span(200min) == "3 h 20 min");
  CHECK(show_span(122h) == "5 d 2 h");
}

}  // namespace
}  // namespace tyto::tool

// Times as people write and read them.
#pragma once

#include <string>
#include <string_view>

#include "tyto/clock.hpp"
#include "tyto/result.hpp"

namespace tyto::tool {

/// Returns `time` as in "2026-03-02 09:00:00.000000": in UTC with a Z behind it, else in the machine's time zone.
std::string show_time(timestamp time, bool utc);

/// Returns a span of time in the unit that suits it: "850 us", "12.4 ms", "3.1 s", "2 min 5 s", "3 h 20 min", "5 d 2
/// h".
std::string show_span(std::chrono::microseconds span);

/// Reads a moment: "90s", "10m", "2h", "3d" or "1w" before `now`; or a date, "2026-03-02", also with a time of the day,
/// "2026-03-02T09:30", to the second, "…:15", or to a fraction of one, "…:15.250". A Z or an offset, "+02:00", may
/// follow; without one it is UTC if `utc`, else in the machine's time zone. Fails with errc::invalid_argument.
result<timestamp> parse_time(std::string_view text, bool utc, timestamp now);

}  // namespace tyto::tool

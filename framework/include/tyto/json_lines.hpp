// A journal, or what is of interest in it, as text: one JSON object a line, for people and for other programs.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <limits>
#include <string>

#include "tyto/event_store.hpp"

namespace tyto {

/// Returns `event` as one line without its end: its metadata and, as "payload", its fields. Times are UTC, as in
/// 2026-01-31T09:30:00.000000Z; bytes that are not UTF-8 become U+FFFD. Fails with errc::undecodable if its payload is
/// not MessagePack.
result<std::string> to_json_line(const event_view& event);

/// What is exported.
struct export_options {
  std::uint64_t from = 1;                                        // the first position
  std::uint64_t to = std::numeric_limits<std::uint64_t>::max();  // the last position
  std::function<bool(const metadata&)> filter = {};              // whether an event is wanted; none: all are
};

/// Writes events to `out`, each as to_json_line() gives it; recorded rejections too, retired events not. Returns the
/// number of lines.
///
/// A journal from upcasting() gives the events as they are today, one as it was opened gives them as they are stored.
/// Fails where reading fails, with errc::undecodable if a payload is not MessagePack, and with
/// errc::io if `out` fails; the lines before are written.
result<std::uint64_t> export_json_lines(const event_store& journal, std::ostream& out,
                                        const export_options& options = {});

}  // namespace tyto

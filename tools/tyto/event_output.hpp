// Events as lines: for people, as JSON, as CloudEvents, as CSV.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "terminal.hpp"
#include "tyto/event.hpp"
#include "tyto/result.hpp"

namespace tyto::tool {

/// Returns the event on one line for a person, cut to `columns` if that is not 0. Names and payload are escaped.
std::string event_line(const event_view& event, const style& how, std::size_t columns);

/// Returns the payload as JSON, printable(); of one that cannot be read, what to_json() says.
std::string payload_text(std::string_view payload);

/// Returns the event as a CloudEvent in JSON (CloudEvents 1.0, structured content): one line, without its end. `source`
/// is what names the journal.
result<std::string> cloud_event(const event_view& event, std::string_view source);

/// The first line of CSV (RFC 4180), and an event's.
std::string csv_header();
result<std::string> csv_line(const event_view& event);

}  // namespace tyto::tool

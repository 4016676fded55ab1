// Text from elsewhere, made fit for a terminal or a log: names, payloads and messages may hold what moves the cursor,
// forges a line, or turns the direction of writing.
#pragma once

#include <string>
#include <string_view>

namespace tyto {

/// Returns `text` as one line of UTF-8 that is safe to print. Escapes stand for control characters (\n, \x1b, \x7f,
/// \u0085), line and paragraph separators (\u2028), marks that turn the direction of writing (\u202e), and bytes that
/// are not UTF-8 (\xff). All else stays, backslashes too, so what is printable already is returned as it is.
std::string printable(std::string_view text);

}  // namespace tyto

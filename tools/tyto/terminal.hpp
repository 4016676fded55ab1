// How a command's answer looks: for a person at a terminal, or for a script.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tyto::tool {

enum class colour_use { automatic, always, never };

/// What holds for all of a command's output.
struct style {
  bool json = false;    // one JSON object a line, times in UTC
  bool utc = false;     // times in UTC, else in the time zone of the machine
  bool colour = false;  // escape sequences are wanted
};

/// Returns whether standard output gets colours: as asked for, or if it is a terminal and NO_COLOR (no-color.org) is
/// empty.
bool wants_colour(colour_use asked);

/// Returns how many columns the terminal has, or 0 if standard output is none.
std::size_t terminal_width();

enum class shade { strong, faint, good, bad };

/// Returns `text` in a colour, if colours are wanted.
std::string shaded(std::string_view text, shade as, const style& how);

/// Returns how many columns `text` takes, which must be printable(): one for each code point.
std::size_t columns_of(std::string_view text);

/// Returns `text`, which must be printable(), cut to `columns` with an ellipsis as its last one; 0 cuts nothing.
std::string cut(std::string_view text, std::size_t columns);

}  // namespace tyto::tool

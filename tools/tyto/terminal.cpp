#include "terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace tyto::tool {
namespace {

bool begins_code_point(char byte) { return (static_cast<unsigned char>(byte) & 0xc0U) != 0x80U; }

std::string_view sequence_of(shade as) {
  switch (as) {
    case shade::strong:
      return "\x1b[1m";
    case shade::faint:
      return "\x1b[2m";
    case shade::good:
      return "\x1b[32m";
    case shade::bad:
      return "\x1b[31m";
  }
  return {};
}

}  // namespace

bool wants_colour(colour_use asked) {
  if (asked != colour_use::automatic) return asked == colour_use::always;
  const char* none = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  const bool is_dumb = terminal != nullptr && std::string_view{terminal} == "dumb";
  return ::isatty(STDOUT_FILENO) != 0 && !is_dumb && (none == nullptr || *none == '\0');
}

std::size_t terminal_width() {
  if (::isatty(STDOUT_FILENO) == 0) return 0;
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return 0;
  return size.ws_col;
}

std::string shaded(std::string_view text, shade as, const style& how) {
  if (!how.colour || text.empty()) return std::string{text};
  return std::string{sequence_of(as)}.append(text).append("\x1b[0m");
}

std::size_t columns_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, begins_code_point));
}

std::string cut(std::string_view text, std::size_t columns) {
  if (columns == 0 || columns_of(text) <= columns) return std::string{text};
  std::size_t seen = 0;
  const auto* end = std::ranges::find_if(text, [&](char byte) { return begins_code_point(byte) && ++seen == columns; });
  return std::string{text.begin(), end} + "…";
}

}  // namespace tyto::tool

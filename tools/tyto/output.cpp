#include "output.hpp"

#include <cerrno>
#include <cstdio>
#include <string>
#include <system_error>

#include "tyto/printable.hpp"

namespace tyto::tool {
namespace {

error write_failure() { return {errc::io, "writing to standard output", std::generic_category().message(errno)}; }

}  // namespace

result<void> print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size()) return {};
  return write_failure();
}

result<void> flush_output() {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return {};
  return write_failure();
}

void note(std::string_view line) {
  const auto text = "tyto: " + printable(line) + "\n";
  std::fputs(text.c_str(), stderr);
}

}  // namespace tyto::tool

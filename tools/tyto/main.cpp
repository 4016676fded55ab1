// tyto: looks at a storage and acts on it, see command_line.cpp. A signal ends a command that goes through the
// journal between two of its parts, and any other one at once.
#include <unistd.h>

#include <csignal>
#include <exception>
#include <string_view>

#include "command_line.hpp"
#include "output.hpp"
#include "stop_signals.hpp"

namespace {

// LMDB has no checksums for its pages, and may end the process where it meets a damaged one.
void tell_of_damage(int) {
  constexpr std::string_view text =
      "tyto: the command met something that cannot be read, maybe a damaged page: `tyto verify` says what is damaged\n";
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text.data(), text.size());
  ::_exit(tyto::tool::failed);
}

}  // namespace

int main(int argc, char** argv) {
  using namespace tyto::tool;
  for (const int each : {SIGSEGV, SIGBUS, SIGABRT}) std::signal(each, tell_of_damage);
  try {
    auto ended = run(argc, argv);
    auto shown = flush_output();
    program::end_by_noted_signal();
    if (!ended) {
      note(ended.error().message());
      return ended.error().code() == tyto::errc::invalid_argument ? bad_usage : failed;
    }
    if (!shown) {
      note(shown.error().message());
      return failed;
    }
    return *ended;
  } catch (const std::exception& why) {
    note(why.what());
    return failed;
  }
}

// tyto: looks at a storage and acts on it, see command_line.cpp. A signal ends a command that goes through the
// journal between two of its parts, and any other one at once.
#include <exception>

#include "command_line.hpp"
#include "output.hpp"
#include "stop_signals.hpp"

int main(int argc, char** argv) {
  using namespace tyto::tool;
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

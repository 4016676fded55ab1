#include "tyto/status.hpp"

namespace tyto {

std::string_view name(consumer_state state) {
  switch (state) {
    case consumer_state::starting:
      return "starting";
    case consumer_state::running:
      return "running";
    case consumer_state::paused:
      return "paused";
    case consumer_state::failing:
      return "failing";
    case consumer_state::halted:
      return "halted";
    case consumer_state::stopped:
      return "stopped";
  }
  return "unknown";
}

}  // namespace tyto

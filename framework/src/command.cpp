#include "tyto/command.hpp"

namespace tyto {

result<std::span<const recorded_event>> decided_events::all() const {
  if (unreadable_) return *unreadable_;
  return events_ ? std::span<const recorded_event>{*events_} : std::span<const recorded_event>{};
}

}  // namespace tyto

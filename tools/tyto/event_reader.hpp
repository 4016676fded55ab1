// Going through a journal that may be in use. No read is open while a command writes to a terminal or a pipe, which may
// stand still for hours: what a reader still sees keeps the storage from using its pages again.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "event_selection.hpp"
#include "tyto/event_store.hpp"
#include "tyto/result.hpp"
#include "tyto/visit.hpp"

namespace tyto::tool {

using survey::event_selection;
using survey::field_condition;

struct position_range {
  std::uint64_t from = 1;
  std::uint64_t to = std::numeric_limits<std::uint64_t>::max();  // the last one
};

/// Says on standard error how far a long command is, if that is a terminal and standard output is not being watched
/// line by line: once it has taken a second, then several times a second. Takes its line away at the end.
class progress {
 public:
  /// `doing` is what is being done, "reading"; `whole` is how many steps there are.
  progress(std::string doing, std::uint64_t whole);
  progress(const progress&) = delete;
  ~progress();
  void at(std::uint64_t step);

 private:
  std::string doing_;
  std::uint64_t whole_;
  bool is_wanted_;
  bool is_shown_ = false;
  std::chrono::steady_clock::time_point next_;
};

/// Calls `see` for the events of `range` that `which` takes, in order; `see` is quick and keeps nothing of them, for a
/// read may be open. Returns the position up to which there are no others. Ends with errc::stopped when the user
/// interrupts the command.
result<std::uint64_t> scan(const event_store& journal, const position_range& range, const event_selection& which,
                           const std::function<void(const event_view&)>& see, progress* shown = nullptr);

/// The same for who takes their time: `see` gets copies, while no read is open, and may end it with visit::stop.
result<std::uint64_t> read(const event_store& journal, const position_range& range, const event_selection& which,
                           const std::function<result<visit>(const event_view&)>& see, progress* shown = nullptr);

/// Returns the last `count` events that `which` takes, in order, up to the position `head`. Looks backwards, and no
/// further than where a few thousand events in a row are older than which.since.
result<std::vector<recorded_event>> last_events(const event_store& journal, std::uint64_t head, std::size_t count,
                                                const event_selection& which);

/// Calls `see` for the events of a stream from the event `from` on, copies, while no read is open. Returns what is
/// known of the stream.
result<stream_info> read_stream(const event_store& journal, const std::string& persistence_id, std::uint64_t from,
                                const std::function<result<visit>(const event_view&)>& see);

/// Fails with errc::stopped once the user has interrupted the command.
result<void> check_interrupted();

}  // namespace tyto::tool

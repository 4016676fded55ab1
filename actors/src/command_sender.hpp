// The way of commands to aggregates, as those see it who send some: the engine for callers, consumers for reactions,
// alarms for deadlines.
#pragma once

#include "messages.hpp"
#include "tyto/command.hpp"

namespace tyto::detail {

/// Safe to use from any thread.
class command_sender {
 public:
  virtual ~command_sender() = default;

  /// Sends `command`; `done` is called once with the answer, maybe before this returns. Never blocks.
  virtual void send(outgoing_command command, command_options options, command_reply done) = 0;
};

}  // namespace tyto::detail

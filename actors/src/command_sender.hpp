// The way of commands to aggregates, as those see it who send some: the engine for callers, consumers for reactions,
// alarms for deadlines.
#pragma once

#include <memory>
#include <vector>

#include "command_reply.hpp"
#include "tyto/command.hpp"

namespace tyto::detail {

/// A command with what goes along.
struct command_to_send {
  outgoing_command command;
  command_options options;
};

/// Safe to use from any thread.
class command_sender {
 public:
  virtual ~command_sender() = default;

  /// Sends `command`; `done` is called once with the answer, maybe before this returns. Never blocks.
  virtual void send(outgoing_command command, command_options options, command_reply done) = 0;
  /// Sends `all`, those to one aggregate in this order; `to` gets the answers, each under the command's place in `all`,
  /// maybe before this returns. Never blocks.
  virtual void send_together(std::vector<command_to_send> all, const std::shared_ptr<answer_taker>& to) = 0;
};

}  // namespace tyto::detail

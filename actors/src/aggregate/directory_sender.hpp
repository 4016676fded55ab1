// Takes commands to the aggregates that they are for: checks what came with them, and posts them through the directory.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <unordered_set>

#include "aggregate/directory.hpp"
#include "command_sender.hpp"

namespace tyto::detail {

class directory_sender final : public command_sender {
 public:
  using definitions = std::unordered_set<const aggregate_definition*>;

  /// Sends to aggregates of the `known` definitions, and to consumers' records. Both must outlive it.
  directory_sender(directory& aggregates, const definitions& known) : aggregates_(aggregates), known_(known) {}

  void send(outgoing_command command, command_options options, command_reply done) override;

  /// The same for a caller who waits for the answer: what is returned, if anything, must be called, and takes the
  /// aggregate's turn on the caller's thread, so that no other thread needs to wake up.
  [[nodiscard]] std::function<void()> send_for_turn(outgoing_command command, command_options options,
                                                    command_reply done);

 private:
  [[nodiscard]] std::optional<error> refuse(const outgoing_command& command, const std::string& persistence_id,
                                            const command_options& options) const;

  directory& aggregates_;
  const definitions& known_;
};

}  // namespace tyto::detail

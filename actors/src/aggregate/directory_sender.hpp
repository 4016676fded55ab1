// Takes commands to the aggregates that they are for: checks what came with them, and posts them through the directory.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "aggregate/directory.hpp"
#include "command_sender.hpp"

namespace tyto::detail {

class directory_sender final : public command_sender {
 public:
  using definitions = std::unordered_set<const aggregate_definition*>;

  /// Sends to aggregates of the `known` definitions, and to consumers' records. Both must outlive it.
  directory_sender(directory& aggregates, const definitions& known) : aggregates_(aggregates), known_(known) {}

  void send(outgoing_command command, command_options options, command_reply done) override;
  void send_together(std::vector<command_to_send> all, const std::shared_ptr<answer_taker>& to) override;

 private:
  [[nodiscard]] std::optional<error> refuse(const outgoing_command& command, const std::string& persistence_id,
                                            const command_options& options) const;

  directory& aggregates_;
  const definitions& known_;
};

}  // namespace tyto::detail

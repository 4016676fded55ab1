// Takes commands that consumers and alarms send, and does with them what the test says.
#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "command_sender.hpp"

namespace tyto::detail {

class scripted_sender final : public command_sender {
 public:
  using script = std::function<void(outgoing_command, command_options, command_reply)>;

  explicit scripted_sender(script takes) : takes_(std::move(takes)) {}

  void send(outgoing_command command, command_options options, command_reply done) override {
    takes_(std::move(command), std::move(options), std::move(done));
  }
  void send_together(std::vector<command_to_send> all, const std::shared_ptr<answer_taker>& to) override {
    for (std::size_t i = 0; i < all.size(); ++i) {
      takes_(std::move(all[i].command), std::move(all[i].options), command_reply{to, i});
    }
  }

 private:
  const script takes_;
};

}  // namespace tyto::detail

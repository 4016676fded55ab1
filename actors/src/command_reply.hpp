// What is called with the answer to a command.
#pragma once

#include <functional>
#include <type_traits>
#include <utility>

#include "gate.hpp"
#include "tyto/command.hpp"

namespace tyto::detail {

/// Called once, from any thread. Where a gate has let the command in, the command leaves it then.
class command_reply {
 public:
  using function = std::function<void(const command_result&)>;

  template <class Done>
  requires std::is_constructible_v<function, Done> command_reply(Done done, gate* let_in = nullptr)
      : done_(std::move(done)), gate_(let_in) {}

  void operator()(const command_result& outcome) const {
    if (gate_ == nullptr) return done_(outcome);
    gate_->leave_with(done_, outcome);
  }

 private:
  function done_;
  gate* gate_;
};

}  // namespace tyto::detail

// Keeps the messages that it gets, for the test to look at.
#pragma once

#include <utility>
#include <vector>

#include "actor/mailbox.hpp"

namespace tyto::test {

template <class Message>
class collecting_actor final : public detail::actor_of<Message> {
 public:
  /// `into` must outlive it.
  explicit collecting_actor(std::vector<Message>& into) : into_(into) {}

 protected:
  void on(Message&& message) override { into_.push_back(std::move(message)); }

 private:
  std::vector<Message>& into_;
};

}  // namespace tyto::test

// The port to whatever runs actors: CAF in programs (caf_host.hpp), a scheduler on one thread in tests.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>

#include "actor/mailbox.hpp"

namespace tyto::detail {

enum class placement : std::uint8_t {
  shared,     // on the worker threads; must not block for long
  dedicated,  // on a thread of its own; may block
};

class host {
 public:
  virtual ~host() = default;
  /// Starts an actor; it lives until it is closed or nobody holds its mailbox.
  virtual std::shared_ptr<mailbox> spawn(std::unique_ptr<actor> machine, placement where) = 0;
  /// Posts `what` after `delay`, if the actor still lives then.
  virtual void post_after(std::chrono::milliseconds delay, const std::shared_ptr<mailbox>& box, mail_ptr what) = 0;
  /// Returns the time by which delays are measured. It never goes back, and nobody can set it.
  [[nodiscard]] virtual std::chrono::steady_clock::time_point now() const = 0;
  /// Returns whether the calling thread is in an actor of this host, which then cannot end.
  [[nodiscard]] virtual bool runs_here() const { return false; }
  /// Waits until every actor has ended; close them first.
  virtual void wait_for_all() = 0;
};

/// Starts the actor `Machine` and returns its address.
template <class Machine, class... Arguments>
address<typename Machine::message_type> spawn(host& on, placement where, Arguments&&... arguments) {
  return address<typename Machine::message_type>{
      on.spawn(std::make_unique<Machine>(std::forward<Arguments>(arguments)...), where)};
}

template <class Message>
void post_after(host& on, std::chrono::milliseconds delay, const address<Message>& to, Message message) {
  on.post_after(delay, to.box(), make_mail(std::move(message)));
}

}  // namespace tyto::detail

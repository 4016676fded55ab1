// Plain handlers of events, from now on: how one is set up and ended. runtime::subscribe() makes them.
#pragma once

#include <chrono>
#include <memory>
#include <utility>

namespace tyto {

namespace detail {
class subscriber;
}

/// What a subscriber may say with its handler.
struct subscription_options {
  /// How long its thread looks for the next event before it goes to sleep, see consumer_definition::busy_wait. Without
  /// effect where the handler never blocks.
  std::chrono::microseconds busy_wait = {};
  /// The handler never blocks and is soon done: it needs no thread of its own, and is mostly called on the one that has
  /// stored the event, so that no other has to wake up. It must not call execute(), which fails there, nor what waits
  /// for anything; it may call submit(). While it runs, nothing else is stored. It may be called by a thread that waits
  /// in execute(), so it takes no lock that such a thread holds.
  bool never_blocks = false;
};

/// A handler that runtime::subscribe() has set up. It goes on when this object goes; only end(), or the end of the
/// runtime, ends it. Copies stand for the same subscription. May outlive the runtime. Safe to use from any thread.
class subscription {
 public:
  /// Stands for none.
  subscription() = default;
  explicit subscription(std::shared_ptr<detail::subscriber> of) : of_(std::move(of)) {}

  /// Ends the subscription: the handler is not called any more, and its thread, if it has one, goes. A call that is
  /// under way has returned, unless it is the one that does this. Idempotent. In a forked child, which does not have
  /// the runtime's threads, it returns at once.
  void end();

  /// The same without waiting for a call that is under way: for those who must not block.
  void end_soon();

 private:
  std::shared_ptr<detail::subscriber> of_;
};

}  // namespace tyto

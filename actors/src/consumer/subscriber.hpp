// One subscription of a program's: its handler until the runtime starts, the way to end it from then on. Shared by the
// program's handle, the runtime, and the consumer that calls the handler.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <utility>

#include "actor/threads.hpp"
#include "consumer/roster.hpp"
#include "tyto/consumer.hpp"
#include "tyto/detail/owner_process.hpp"

namespace tyto::detail {

/// Safe to use from any thread.
class subscriber : public std::enable_shared_from_this<subscriber> {
 public:
  explicit subscriber(reaction_definition definition)
      : never_blocks_(definition.never_blocks), definition_(std::move(definition)) {}

  /// Whether it takes no thread of its own.
  [[nodiscard]] bool never_blocks() const { return never_blocks_; }

  /// Returns the definition of the consumer that calls the handler, once; one without handlers if it has ended.
  [[nodiscard]] reaction_definition definition();

  /// Its consumer is the one in `consumers` for which `number` stands.
  void has_started(std::weak_ptr<roster> consumers, std::uint64_t number);

  /// Ends it. If it `waits`, a call of the handler has returned then, unless it is the one that does this. In a forked
  /// child nothing is called, and there is nothing to wait for.
  void end(bool waits);

 private:
  result<commands> call(const std::function<result<commands>(const recorded_event&)>& handle,
                        const recorded_event& event);

  const owner_process owner_;
  const bool never_blocks_;
  std::atomic<bool> has_ended_ = false;

  std::mutex mutex_;
  thread_mark called_on_;           // the consumer's thread, once it has called the handler
  reaction_definition definition_;  // until definition() or end()
  std::weak_ptr<roster> consumers_;
  std::uint64_t number_ = 0;
  std::shared_future<void> over_;  // once it was ended while its consumer lived
};

}  // namespace tyto::detail

// Where commands of callers come in: how many are in flight, who waits for room, and whether any are taken at all.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <string_view>
#include <utility>

#include "tyto/command.hpp"
#include "tyto/detail/owner_process.hpp"

namespace tyto::detail {

/// Safe to use from any thread. Closed at first, and in a forked child, which does not have the runtime's threads.
class gate {
 public:
  /// Lets in at most `most` commands at once.
  gate(std::size_t most, std::function<void(std::string_view)> log) : most_(most), log_(std::move(log)) {}

  void open() { is_open_ = true; }
  /// Lets nobody in any more; those who are in stay until they leave.
  void close() { is_open_ = false; }
  [[nodiscard]] bool is_open() const { return is_open_ && owner_.is_this(); }

  /// Lets a command in: then leave() must be called once for it. Fails with errc::overloaded if there is no room, for
  /// one that waits after `timeout`, with errc::stopped if the gate is closed, or with errc::locked in
  /// a forked child.
  result<void> enter(when_full overflow, std::chrono::milliseconds timeout);
  void leave();
  /// Calls a caller's `done` with the answer, then leave(). What it throws is logged.
  void leave_with(const std::function<void(const command_result&)>& done, const command_result& outcome);

  /// Returns how many commands are in.
  [[nodiscard]] std::size_t inside() const { return inside_; }
  void wait_until_empty() const;
  /// Returns whether it has become empty by `limit`.
  [[nodiscard]] bool wait_until_empty(std::chrono::steady_clock::time_point limit) const;

 private:
  bool take_place();

  const std::size_t most_;
  const std::function<void(std::string_view)> log_;
  const owner_process owner_;
  std::atomic<bool> is_open_ = false;
  std::atomic<std::size_t> inside_ = 0;
  std::atomic<std::size_t> waiting_ = 0;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;  // empty, or room for one who waits
};

}  // namespace tyto::detail

// Functions that run on stacks of their own on one thread, and can be left in the middle: what stands for a thread in a
// simulated world.
#pragma once

#include <ucontext.h>

#include <array>
#include <cstddef>
#include <functional>

namespace tyto::testing {

/// One stack, for one function after the other. Used by one thread.
class fiber {
 public:
  fiber();
  /// The function must have ended, or never have been started: what is on the stack is not destroyed.
  ~fiber();
  fiber(const fiber&) = delete;
  fiber& operator=(const fiber&) = delete;

  /// Calls `body`, which must not throw; returns when it has returned, or has called suspend().
  void run(std::function<void()> body);
  /// Goes on where `body` has called suspend(); returns like run().
  void resume();
  /// To be called by `body`: leaves it until somebody resumes the fiber.
  void suspend();

  /// Whether `body` has returned.
  [[nodiscard]] bool has_ended() const { return !body_; }

 private:
  /// What the C++ runtime library keeps for each thread of exceptions that are under way.
  using exceptions = std::array<std::byte, 2 * sizeof(void*)>;

  static void enter(unsigned high, unsigned low);
  [[noreturn]] void loop();
  void switch_in();
  void switch_out();

  void* const stack_;
  ucontext_t inside_{};
  ucontext_t outside_{};
  exceptions under_way_{};
  std::function<void()> body_;

  // What AddressSanitizer wants to know of stacks.
  void* fake_stack_ = nullptr;
  const void* outside_bottom_ = nullptr;
  std::size_t outside_size_ = 0;
};

}  // namespace tyto::testing

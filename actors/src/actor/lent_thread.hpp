// A thread that waits for an answer is lent to the actors on the way to it.
#pragma once

#include <memory>
#include <vector>

namespace tyto::detail {

class cell;

/// Who posts something and then waits for what comes of it makes one before. Idle actors that take lent threads
/// (actor::takes_lent_threads()) and to which this thread posts meanwhile have their turns on it, at the end of the
/// lent_thread, so that no other thread has to wake up; those that are busy, and all others, go on as always. Whoever
/// makes one holds no lock at its end. Has no effect on hosts without threads.
class lent_thread {
 public:
  lent_thread();
  ~lent_thread();
  lent_thread(const lent_thread&) = delete;
  lent_thread& operator=(const lent_thread&) = delete;

  /// Whether the calling thread is lent.
  static bool is_here() { return outermost != nullptr; }

 private:
  friend class cell;
  static thread_local lent_thread* outermost;

  std::vector<std::shared_ptr<cell>> due_;
};

}  // namespace tyto::detail

// A thread that waits for an answer is lent to the actors on the way to it; one that brings events, to handlers that
// never block.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace tyto::detail {

class cell;

/// For whom a thread is lent.
enum class lent_to : std::uint8_t {
  nobody,
  way_of_a_command,  // shards and the committer: by who waits for the answer
  quick_handlers,    // consumers that never block: by who has stored the events
};

/// Idle actors that take such threads (actor::takes_threads_lent_to()), and to which the thread posts while there is
/// one, have their turns on it, at the end of the lent_thread, so that no other thread has to wake up. Those that are
/// busy, and all others, go on as always. A turn may bring others; on the way of a command no more than there are on
/// it. Whoever makes one holds no lock at its end. Has no effect on hosts without threads.
class lent_thread {
 public:
  explicit lent_thread(lent_to whom);
  ~lent_thread();
  lent_thread(const lent_thread&) = delete;
  lent_thread& operator=(const lent_thread&) = delete;

 private:
  friend class cell;
  static lent_thread* outermost_of(lent_to whom);
  static thread_local lent_thread* innermost;

  const lent_to whom_;
  lent_thread* const around_;
  std::vector<std::shared_ptr<cell>> due_;
};

}  // namespace tyto::detail

// Threads, as the runtime uses them besides its actors: who waits for whom, and what runs on a thread of its own. In
// programs the operating system does that. In a simulated world everything runs on one thread, and something stands in.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "tyto/detail/owner_process.hpp"
#include "tyto/result.hpp"

namespace tyto::detail {

class host;

/// Stands in for the operating system's threads on the thread that has installed it: whoever waits lets others run.
class simulated_threads {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  virtual ~simulated_threads() = default;

  /// Returns the one of the calling thread; nullptr where threads are the operating system's.
  static simulated_threads* here() { return here_; }

  /// Makes it the one of the calling thread while the object lives.
  class installed {
   public:
    explicit installed(simulated_threads& by) : before_(here_) { here_ = &by; }
    ~installed() { here_ = before_; }
    installed(const installed&) = delete;
    installed& operator=(const installed&) = delete;

   private:
    simulated_threads* before_;
  };

  [[nodiscard]] virtual std::unique_ptr<host> make_host() = 0;
  [[nodiscard]] virtual time_point now() const = 0;
  /// Lets others run until `ready`, which changes nothing and does not wait, or until `limit`; returns whether it is
  /// ready.
  virtual bool wait_until(const std::function<bool()>& ready, time_point limit) = 0;
  /// Starts a thread; what is returned says whether it has ended.
  virtual std::function<bool()> start(std::function<void()> work) = 0;
  /// Returns what tells the thread that runs now from others.
  [[nodiscard]] virtual const void* current() const = 0;

 private:
  static thread_local simulated_threads* here_;
};

/// Returns the time of a clock that never goes back, and by which all waiting is measured.
std::chrono::steady_clock::time_point steady_now();

/// Like `changed.wait_until(lock, limit, ready)`. `ready` must change nothing.
template <class Condition, class Lock, class Ready>
bool wait_until(Condition& changed, Lock& lock, std::chrono::steady_clock::time_point limit, const Ready& ready) {
  auto* const simulated = simulated_threads::here();
  if (simulated == nullptr) return changed.wait_until(lock, limit, ready);
  lock.unlock();
  const bool is_ready = simulated->wait_until(
      [&] {
        const std::lock_guard held{*lock.mutex()};
        return ready();
      },
      limit);
  lock.lock();
  return is_ready;
}

/// The same, which also ends when a stop is requested.
template <class Lock, class Ready>
bool wait_until(std::condition_variable_any& changed, Lock& lock, const std::stop_token& ended,
                std::chrono::steady_clock::time_point limit, const Ready& ready) {
  if (simulated_threads::here() == nullptr) return changed.wait_until(lock, ended, limit, ready);
  return wait_until(changed, lock, limit, [&] { return ready() || ended.stop_requested(); });
}

/// Returns whether `answer`, a future, is there by `limit`.
template <class Future>
bool wait_until(const Future& answer, std::chrono::steady_clock::time_point limit) {
  const auto is_there = [&answer] { return answer.wait_for(std::chrono::seconds{0}) == std::future_status::ready; };
  auto* const simulated = simulated_threads::here();
  if (simulated != nullptr) return simulated->wait_until(is_there, limit);
  return answer.wait_until(limit) == std::future_status::ready;
}

/// Waits for `answer`, a future, as long as it takes.
template <class Future>
void wait_for(const Future& answer) {
  if (simulated_threads::here() == nullptr) return answer.wait();
  wait_until(answer, std::chrono::steady_clock::time_point::max());
}

/// A thread that is asked to stop and waited for when its object goes, unless that happens on the thread itself, or in
/// a forked child, which does not have it. Making it throws std::system_error if the operating system refuses.
class worker {
 public:
  explicit worker(std::function<void(const std::stop_token&)> work);
  worker(const worker&) = delete;
  worker& operator=(const worker&) = delete;
  ~worker();

 private:
  const owner_process owner_;
  std::jthread thread_;
  // Instead, in a simulated world:
  std::stop_source stop_{std::nostopstate};
  std::function<bool()> has_ended_;
  std::shared_ptr<const void*> runs_as_;
};

/// Fails if the operating system refuses to let this process have `count` more threads at this moment: makes so many,
/// and gives them back.
result<void> try_threads(std::size_t count, const std::string& doing);
/// The error for that.
error threads_refused(const std::string& doing);

/// Tells threads apart.
class thread_mark {
 public:
  /// Marks none.
  thread_mark() = default;
  static thread_mark here();
  friend bool operator==(const thread_mark&, const thread_mark&) = default;

 private:
  std::thread::id thread_;
  const void* simulated_ = nullptr;
};

}  // namespace tyto::detail

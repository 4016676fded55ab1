#include "actor/threads.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <system_error>
#include <utility>
#include <vector>

namespace tyto::detail {
namespace {

// A thread that has been joined counts until the system has done away with it.
void wait_until_gone(pid_t thread) {
  constexpr int attempts = 100'000;  // another thread may have got its number
  for (int i = 0; i < attempts && ::syscall(SYS_tgkill, ::getpid(), thread, 0) == 0; ++i) std::this_thread::yield();
}

}  // namespace

thread_local simulated_threads* simulated_threads::here_ = nullptr;

std::chrono::steady_clock::time_point steady_now() {
  const auto* simulated = simulated_threads::here();
  return simulated != nullptr ? simulated->now() : std::chrono::steady_clock::now();
}

worker::worker(std::function<void(const std::stop_token&)> work) {
  auto* const simulated = simulated_threads::here();
  if (simulated == nullptr) {
    thread_ = std::jthread{std::move(work)};
    return;
  }
  stop_ = std::stop_source{};
  runs_as_ = std::make_shared<const void*>(nullptr);
  has_ended_ = simulated->start([work = std::move(work), ended = stop_.get_token(), simulated, mark = runs_as_] {
    *mark = simulated->current();
    work(ended);
  });
}

worker::~worker() {
  if (has_ended_) {
    stop_.request_stop();
    auto* const simulated = simulated_threads::here();
    if (simulated == nullptr || simulated->current() == *runs_as_) return;
    try {
      simulated->wait_until(has_ended_, std::chrono::steady_clock::time_point::max());
    } catch (...) {
      // The simulated program has been killed, and its threads with it.
    }
    return;
  }
  if (!owner_.is_this()) {
    if (thread_.joinable()) thread_.detach();
    return;
  }
  thread_.request_stop();
  if (thread_.get_id() == std::this_thread::get_id()) thread_.detach();
}

error threads_refused(const std::string& doing) {
  return {
      errc::overloaded, doing,
      "the operating system does not let this process have the threads that it takes: raise the limit of the user's "
      "threads (RLIMIT_NPROC, ulimit -u) or of the control group (pids.max), or take fewer partitions and "
      "worker_threads"};
}

result<void> try_threads(std::size_t count, const std::string& doing) {
  if (simulated_threads::here() != nullptr) return {};
  std::atomic<bool> is_over = false;
  std::vector<pid_t> numbers(count);
  std::vector<std::thread> made;
  made.reserve(count);
  bool is_refused = false;
  try {
    for (auto& number : numbers) {
      made.emplace_back([&is_over, &number] {
        number = static_cast<pid_t>(::syscall(SYS_gettid));
        is_over.wait(false);
      });
    }
  } catch (const std::system_error&) {
    is_refused = true;
  }
  is_over = true;
  is_over.notify_all();
  for (auto& each : made) each.join();
  for (std::size_t i = 0; i < made.size(); ++i) wait_until_gone(numbers[i]);
  return is_refused ? result<void>{threads_refused(doing)} : result<void>{};
}

thread_mark thread_mark::here() {
  thread_mark mark;
  mark.thread_ = std::this_thread::get_id();
  if (const auto* simulated = simulated_threads::here()) mark.simulated_ = simulated->current();
  return mark;
}

}  // namespace tyto::detail

// The threads of the web server: made when they are needed, never more than a few dozens. When all are busy,
// connections wait, first here and then in the operating system, and the process keeps its file descriptors.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "httplib_included.hpp"

namespace tyto::detail {

class connection_threads final : public httplib::TaskQueue {
 public:
  /// `is_ending` says when connections need no longer wait; called from any thread.
  connection_threads(std::size_t most, std::size_t most_waiting, std::function<bool()> is_ending)
      : most_(most), most_waiting_(most_waiting), is_ending_(std::move(is_ending)) {}

  // Versions of the library differ in what it returns.
  using enqueued = decltype(std::declval<httplib::TaskQueue&>().enqueue(std::function<void()>{}));

  /// Returns when there is room.
  enqueued enqueue(std::function<void()> serve) override {
    std::unique_lock lock{mutex_};
    while (waiting_.size() >= most_waiting_ && !is_ending_()) changed_.wait_for(lock, std::chrono::milliseconds{50});
    waiting_.push_back(std::move(serve));
    if (idle_ < waiting_.size() && threads_.size() < most_) start_one();
    changed_.notify_all();
    return static_cast<enqueued>(true);
  }

  void shutdown() override {
    {
      const std::lock_guard lock{mutex_};
      is_over_ = true;
    }
    changed_.notify_all();
    for (auto& each : threads_) each.join();
    for (auto& each : waiting_) each();  // only where there was no thread at all
  }

 private:
  void start_one() {
    try {
      threads_.emplace_back([this] { work(); });
    } catch (const std::system_error&) {
      // The others do it.
    }
  }

  void work() {
    std::unique_lock lock{mutex_};
    while (true) {
      ++idle_;
      changed_.wait(lock, [this] { return !waiting_.empty() || is_over_; });
      --idle_;
      if (waiting_.empty()) return;
      const auto serve = std::move(waiting_.front());
      waiting_.pop_front();
      changed_.notify_all();
      lock.unlock();
      serve();
      lock.lock();
    }
  }

  const std::size_t most_;
  const std::size_t most_waiting_;
  const std::function<bool()> is_ending_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;
  bool is_over_ = false;
};

}  // namespace tyto::detail

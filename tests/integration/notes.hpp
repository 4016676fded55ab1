// What other threads have told a test, in order, and how to wait for it.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <utility>
#include <vector>

#include "ledger.hpp"

namespace tyto::test {

template <class T>
class notes {
 public:
  void add(T note) {
    const std::lock_guard lock{mutex_};
    all_.push_back(std::move(note));
    changed_.notify_all();
  }
  bool wait_for(const T& note) {
    return wait_until([&] { return std::ranges::count(all_, note) > 0; });
  }
  bool wait_for_last(const T& note) {
    return wait_until([&] { return !all_.empty() && all_.back() == note; });
  }
  bool wait_for_count(std::size_t count) {
    return wait_until([&] { return all_.size() >= count; });
  }
  std::vector<T> all() {
    const std::lock_guard lock{mutex_};
    return all_;
  }

 private:
  template <class Condition>
  bool wait_until(Condition is_so) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, long_enough, is_so);
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<T> all_;
};

}  // namespace tyto::test

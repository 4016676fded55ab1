#include "actor/thread_lane.hpp"

#include <algorithm>
#include <utility>

namespace tyto::detail {

void cell_count::add() {
  const std::lock_guard lock{mutex_};
  ++cells_;
}

// Notifies under the lock: once it is free, the last cell may be found to have ended, and this may go.
void cell_count::remove() {
  const std::lock_guard lock{mutex_};
  if (--cells_ == 0) changed_.notify_all();
}

void cell_count::wait_until_none() {
  std::unique_lock lock{mutex_};
  changed_.wait(lock, [this] { return cells_ == 0; });
}

thread_lane::thread_lane(std::size_t threads, serves whom, cell_count& alive) : whom_(whom), alive_(alive) {
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

thread_lane::~thread_lane() {
  const std::lock_guard lock{mutex_};
  is_over_ = true;
  changed_.notify_all();
  // threads_ goes first, and waits for each.
}

void thread_lane::schedule(std::shared_ptr<cell> ready) {
  const std::lock_guard lock{mutex_};
  ready_.push_back(std::move(ready));
  changed_.notify_one();
}

void thread_lane::cell_has_ended() {
  auto& alive = alive_;  // where a lent thread has run the cell, the lane may go as soon as it is over
  if (whom_ == serves::one_cell) {
    const std::lock_guard lock{mutex_};
    is_over_ = true;
    changed_.notify_all();
  }
  alive.remove();
}

bool thread_lane::is_over() const {
  const std::lock_guard lock{mutex_};
  return is_over_;
}

void thread_lane::work() {
  std::unique_lock lock{mutex_};
  while (true) {
    changed_.wait(lock, [this] { return is_over_ || !ready_.empty(); });
    if (ready_.empty()) return;
    auto taken = std::move(ready_.front());
    ready_.pop_front();
    lock.unlock();
    const bool is_done = taken->run(messages_a_turn);
    if (!is_done) schedule(std::move(taken));
    taken.reset();
    lock.lock();
  }
}

thread_lane& dedicated_lanes::add() {
  const std::lock_guard lock{mutex_};
  lanes_.remove_if([](const auto& each) { return each.is_over(); });
  return lanes_.emplace_back(1, thread_lane::serves::one_cell, alive_);
}

std::size_t workers_of(std::size_t worker_threads) {
  return worker_threads != 0 ? worker_threads : std::max<std::size_t>(std::thread::hardware_concurrency(), 1);
}

}  // namespace tyto::detail

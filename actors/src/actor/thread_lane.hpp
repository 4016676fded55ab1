// Threads that run cells.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <list>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "actor/cell.hpp"

namespace tyto::detail {

/// Counts the cells of a host that have not ended.
class cell_count {
 public:
  void add();
  void remove();
  void wait_until_none();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t cells_ = 0;
};

/// A lane with threads of its own, which end with it, or with its only cell. All of its cells have ended before it
/// goes.
class thread_lane final : public lane {
 public:
  enum class serves { many_cells, one_cell };

  thread_lane(std::size_t threads, serves whom, cell_count& alive);
  thread_lane(const thread_lane&) = delete;
  thread_lane& operator=(const thread_lane&) = delete;
  ~thread_lane() override;

  void schedule(std::shared_ptr<cell> ready) override;
  void cell_has_ended() override;

  /// Returns whether its only cell has ended.
  [[nodiscard]] bool is_over() const;

 private:
  void work();

  const serves whom_;
  cell_count& alive_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<cell>> ready_;
  bool is_over_ = false;
  std::vector<std::jthread> threads_;
};

/// The lanes of actors that block: a thread for each of them. Safe to use from any thread.
class dedicated_lanes {
 public:
  explicit dedicated_lanes(cell_count& alive) : alive_(alive) {}

  /// Makes one, for one cell. Throws std::system_error if the operating system refuses the thread.
  thread_lane& add();

 private:
  cell_count& alive_;
  std::mutex mutex_;
  std::list<thread_lane> lanes_;
};

/// Returns how many worker threads that many stand for, as in runtime_options: 0 for one per core.
std::size_t workers_of(std::size_t worker_threads);

}  // namespace tyto::detail

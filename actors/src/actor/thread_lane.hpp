// Threads that run cells.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
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

}  // namespace tyto::detail

// Takes the place of caf_host.cpp in builds for ThreadSanitizer, which does not see how a library orders its memory
// that was not compiled with it: Debian's CAF. The same cells run here on plain threads.
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "actor/caf_host.hpp"
#include "actor/cell.hpp"
#include "actor/thread_lane.hpp"

namespace tyto::detail {
namespace {

class thread_host final : public host {
 public:
  explicit thread_host(std::size_t workers)
      : workers_(workers, thread_lane::serves::many_cells, alive_),
        later_thread_([this](const std::stop_token& stopped) { post_what_is_due(stopped); }) {}
  thread_host(const thread_host&) = delete;
  thread_host& operator=(const thread_host&) = delete;
  ~thread_host() override { wait_for_all(); }

  std::shared_ptr<mailbox> spawn(std::unique_ptr<actor> machine, placement where) override {
    lane& runs_in = where == placement::shared ? static_cast<lane&>(workers_) : dedicated_.add();
    auto made = cell::make(runs_in, *this, std::move(machine));
    alive_.add();
    return made;
  }

  void post_after(std::chrono::milliseconds delay, const std::shared_ptr<mailbox>& box, mail_ptr what) override {
    const std::lock_guard lock{mutex_};
    later_.emplace(now() + delay, std::pair{std::weak_ptr{box}, std::move(what)});
    changed_.notify_all();
  }

  [[nodiscard]] std::chrono::steady_clock::time_point now() const override { return std::chrono::steady_clock::now(); }
  [[nodiscard]] bool runs_here() const override { return cell::runs_here(*this); }
  void wait_for_all() override { alive_.wait_until_none(); }

 private:
  void post_what_is_due(const std::stop_token& stopped) {
    std::unique_lock lock{mutex_};
    while (!stopped.stop_requested()) {
      if (later_.empty()) {
        changed_.wait(lock, stopped, [this] { return !later_.empty(); });
      } else if (const auto due = later_.begin()->first; due > now()) {
        changed_.wait_until(lock, stopped, due, [&] { return later_.begin()->first < due; });
      } else {
        auto [box, what] = std::move(later_.begin()->second);
        later_.erase(later_.begin());
        lock.unlock();
        if (const auto alive = box.lock()) alive->post(std::move(what));
        lock.lock();
      }
    }
  }

  cell_count alive_;
  thread_lane workers_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  dedicated_lanes dedicated_{alive_};
  std::multimap<std::chrono::steady_clock::time_point, std::pair<std::weak_ptr<mailbox>, mail_ptr>> later_;
  std::jthread later_thread_;
};

}  // namespace

std::unique_ptr<host> make_caf_host(std::size_t worker_threads) {
  return std::make_unique<thread_host>(workers_of(worker_threads));
}

std::size_t threads_of_caf_host(std::size_t worker_threads) { return workers_of(worker_threads) + 1; }

}  // namespace tyto::detail

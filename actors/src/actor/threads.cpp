#include "actor/threads.hpp"

#include <utility>

namespace tyto::detail {

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

thread_mark thread_mark::here() {
  thread_mark mark;
  mark.thread_ = std::this_thread::get_id();
  if (const auto* simulated = simulated_threads::here()) mark.simulated_ = simulated->current();
  return mark;
}

}  // namespace tyto::detail

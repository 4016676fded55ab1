#include "journal/event_bus.hpp"

#include <algorithm>
#include <utility>

#include "actor/threads.hpp"

namespace tyto::detail {
namespace {

std::size_t size_of(const segment& events) {
  return static_cast<std::size_t>(events.last_position - events.first_position + 1);
}

}  // namespace

event_bus::event_bus(std::uint64_t head, std::size_t max_events, std::size_t max_delivery)
    : max_events_(max_events), max_delivery_(max_delivery), head_(head) {}

void event_bus::publish(std::shared_ptr<const segment> stored) {
  const std::lock_guard lock{mutex_};
  const auto head = stored->last_position;
  ++published_;
  recent_events_ += size_of(*stored);
  recent_.push_back(std::move(stored));
  head_ = head;
  while (recent_.size() > 1 && recent_events_ > max_events_) {
    recent_events_ -= size_of(*recent_.front());
    recent_.pop_front();
  }
  std::erase_if(waiters_, [&](const waiter& each) {
    if (each.position >= head) return false;
    each.to.post(answer(each.position));
    return true;
  });
}

void event_bus::request_after(std::uint64_t position, const address<consumer_message>& to) {
  const std::lock_guard lock{mutex_};
  std::erase_if(waiters_, [&to](const waiter& each) { return each.to.box() == to.box(); });
  if (position >= head_) {
    waiters_.push_back({position, to});
  } else {
    to.post(answer(position));
  }
}

void event_bus::look_out_for(std::uint64_t position, std::chrono::microseconds time) const {
  if (simulated_threads::here() != nullptr) return;  // where nothing happens meanwhile
  const auto end = steady_now() + time;
  while (head_ <= position && steady_now() < end) continue;
}

std::uint64_t event_bus::published() const {
  const std::lock_guard lock{mutex_};
  return published_;
}

consumer_message event_bus::answer(std::uint64_t position) const {
  if (recent_.empty() || position + 1 < recent_.front()->first_position) return read_behind{};
  auto next = std::upper_bound(recent_.begin(), recent_.end(), position,
                               [](std::uint64_t at, const auto& events) { return at < events->last_position; });
  delivery found;
  for (std::size_t events = 0; next != recent_.end() && events < max_delivery_; ++next) {
    events += size_of(**next);
    found.segments.push_back(*next);
  }
  return found;
}

}  // namespace tyto::detail

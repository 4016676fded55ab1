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
  std::vector<std::shared_ptr<const segment>> given_up;  // after the lock is
  const std::lock_guard lock{mutex_};
  const auto head = stored->last_position;
  ++published_.segments;
  published_.events.add(size_of(*stored));
  published_.times.add(static_cast<std::uint64_t>(std::max<std::int64_t>(0, stored->took.count())));
  recent_events_ += size_of(*stored);
  recent_.push_back(std::move(stored));
  head_ = head;
  give_up_what_nobody_needs(given_up);
  for (auto& each : readers_) {
    if (!each.waits || each.position >= head) continue;
    each.waits = false;
    if (const auto box = each.box.lock()) address<consumer_message>{box}.post(answer(each.position));
  }
}

void event_bus::give_up_what_nobody_needs(std::vector<std::shared_ptr<const segment>>& given_up) {
  std::erase_if(readers_, [](const reader& each) { return each.box.expired(); });
  std::uint64_t needed_after = head_;
  for (const auto& each : readers_) needed_after = std::min(needed_after, each.position);
  const auto is_too_much = [this] { return recent_.size() > 1 && recent_events_ > max_events_; };
  while (!recent_.empty() && (recent_.front()->last_position <= needed_after || is_too_much())) {
    recent_events_ -= size_of(*recent_.front());
    given_up.push_back(std::move(recent_.front()));
    recent_.pop_front();
  }
}

void event_bus::request_after(std::uint64_t position, const address<consumer_message>& to) {
  std::vector<std::shared_ptr<const segment>> given_up;
  const std::lock_guard lock{mutex_};
  auto from = std::ranges::find_if(readers_, [&to](const reader& each) { return each.box.lock() == to.box(); });
  if (from == readers_.end()) from = readers_.insert(from, {to.box()});
  from->position = position;
  from->waits = position >= head_;
  if (!from->waits) to.post(answer(position));
  give_up_what_nobody_needs(given_up);
}

void event_bus::look_out_for(std::uint64_t position, std::chrono::microseconds time) const {
  if (simulated_threads::here() != nullptr) return;  // where nothing happens meanwhile
  const auto end = steady_now() + time;
  while (head_ <= position && steady_now() < end) continue;
}

event_bus::counts event_bus::published() const {
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

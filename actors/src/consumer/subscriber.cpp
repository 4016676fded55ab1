#include "consumer/subscriber.hpp"

#include <utility>

#include "consumer/quick_handler.hpp"
#include "tyto/subscription.hpp"

namespace tyto::detail {

reaction_definition subscriber::definition() {
  reaction_definition made;
  {
    const std::lock_guard lock{mutex_};
    made = std::exchange(definition_, {});
  }
  for (auto& [type, handle] : made.handlers) {
    handle = [this, kept = shared_from_this(), inner = std::move(handle)](const recorded_event& event) {
      return call(inner, event);
    };
  }
  return made;
}

// What is left of a batch when the handler has ended its own subscription passes it by.
result<commands> subscriber::call(const std::function<result<commands>(const recorded_event&)>& handle,
                                  const recorded_event& event) {
  {
    const std::lock_guard lock{mutex_};
    called_on_ = thread_mark::here();
  }
  if (has_ended_) return commands{};
  if (!never_blocks_) return handle(event);
  const quick_handler_call under_way;
  return handle(event);
}

void subscriber::has_started(std::weak_ptr<roster> consumers, std::uint64_t number) {
  {
    const std::lock_guard lock{mutex_};
    consumers_ = std::move(consumers);
    number_ = number;
  }
  if (has_ended_) end(false);
}

void subscriber::end(bool waits) {
  has_ended_ = true;
  if (!owner_.is_this()) return;  // its locks may be held by threads that the child does not have
  reaction_definition given_up;   // goes after the lock, for it holds the program's handler
  std::shared_future<void> over;
  bool is_called_here = false;
  {
    const std::lock_guard lock{mutex_};
    given_up = std::exchange(definition_, {});
    const auto consumers = consumers_.lock();
    if (!over_.valid() && consumers) over_ = consumers->end(number_);
    over = over_;
    is_called_here = called_on_ == thread_mark::here();
  }
  if (waits && over.valid() && !is_called_here) wait_for(over);
}

}  // namespace tyto::detail

namespace tyto {

void subscription::end() {
  if (of_) of_->end(true);
}

void subscription::end_soon() {
  if (of_) of_->end(false);
}

}  // namespace tyto

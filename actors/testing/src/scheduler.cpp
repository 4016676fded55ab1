#include "scheduler.hpp"

#include <algorithm>
#include <bit>
#include <exception>
#include <stdexcept>

#include "tyto/aggregate.hpp"

namespace tyto::testing {

// An actor's mailbox. What is in it is handled one after the other.
class scheduler::box final : public detail::mailbox, public std::enable_shared_from_this<box> {
 public:
  box(scheduler& by, std::unique_ptr<detail::actor> machine) : by_(by), machine_(std::move(machine)) {}

  void post(detail::mail_ptr what) override { by_.post(shared_from_this(), std::move(what)); }
  void close() override {
    messages_.clear();
    if (is_busy_) {
      is_closed_ = true;
    } else {
      const auto ends = std::move(machine_);
    }
  }

  scheduler& by_;
  std::unique_ptr<detail::actor> machine_;  // until it has ended
  std::deque<detail::mail_ptr> messages_;
  bool is_busy_ = false;
  bool is_closed_ = false;
  time_point stalled_until_{};
};

// A stack and what runs on it.
struct scheduler::simulated_thread {
  fiber stack;
  const box* actor = nullptr;
};

class simulated_host final : public detail::host {
 public:
  explicit simulated_host(scheduler& by) : by_(by) {}
  ~simulated_host() override { end_all(); }

  std::shared_ptr<detail::mailbox> spawn(std::unique_ptr<detail::actor> machine, detail::placement) override {
    auto& bound = *machine;
    auto made = std::make_shared<scheduler::box>(by_, std::move(machine));
    bound.bind(made);
    if (boxes_.size() == boxes_.capacity()) std::erase_if(boxes_, [](const auto& each) { return each.expired(); });
    boxes_.push_back(made);
    return made;
  }

  void post_after(std::chrono::milliseconds delay, const std::shared_ptr<detail::mailbox>& to,
                  detail::mail_ptr what) override {
    by_.later(delay, [to = std::weak_ptr{to}, what = std::make_shared<detail::mail_ptr>(std::move(what))] {
      if (auto alive = to.lock()) alive->post(std::move(*what));
    });
  }

  [[nodiscard]] std::chrono::steady_clock::time_point now() const override { return by_.now(); }

  [[nodiscard]] bool runs_here() const override { return by_.running_ != nullptr && by_.running_->actor != nullptr; }

  void wait_for_all() override {
    const auto none_is_busy = [this] {
      return std::ranges::none_of(boxes_, [](const auto& each) {
        const auto alive = each.lock();
        return alive && alive->is_busy_;
      });
    };
    by_.wait_until(none_is_busy, scheduler::time_point::max());
    end_all();
  }

 private:
  void end_all() {
    for (const auto& each : std::exchange(boxes_, {})) {
      if (const auto alive = each.lock()) alive->close();
    }
  }

  scheduler& by_;
  std::vector<std::weak_ptr<scheduler::box>> boxes_;
};

scheduler::scheduler(choices& from, test_clock& time, stalling often) : choices_(from), clock_(time), stalls_(often) {}

scheduler::~scheduler() { kill(); }

std::unique_ptr<detail::host> scheduler::make_host() { return std::make_unique<simulated_host>(*this); }

void scheduler::post(const std::shared_ptr<box>& to, detail::mail_ptr what) {
  if (is_dead_ || !to->machine_ || to->is_closed_) return;
  to->messages_.push_back(std::move(what));
  if (to->messages_.size() == 1 && !to->is_busy_) runnable_.push_back(to);
}

bool scheduler::wait_until(const std::function<bool()>& ready, time_point limit) {
  if (ready()) return true;
  if (!is_dead_) {
    if (running_ == nullptr) {
      throw std::logic_error{"tyto: nobody can wait here: only actions, handlers and checks at rest have a thread"};
    }
    waiting_.push_back({running_, &ready, limit});
    running_->stack.suspend();
  }
  // Destructors on the way out must not throw. They find what they wait for ended, or nobody to end it.
  if (is_dead_ && running_ != nullptr && std::uncaught_exceptions() == 0) throw program_killed{};
  return ready();
}

std::function<bool()> scheduler::start(std::function<void()> work) {
  auto ended = std::make_shared<bool>(is_dead_);
  // Kept alive by the work alone, so that it ends with that, also where that is dropped.
  struct end {
    std::shared_ptr<bool> ended;
    explicit end(std::shared_ptr<bool> of) : ended(std::move(of)) {}
    end(const end&) = delete;
    end& operator=(const end&) = delete;
    ~end() { *ended = true; }
  };
  if (!is_dead_) new_threads_.emplace_back([work = std::move(work), at_end = std::make_shared<end>(ended)] { work(); });
  return [ended] { return *ended; };
}

scheduler::outcome scheduler::begin(const std::string& what, std::function<result<void>()> work) {
  auto done = std::make_shared<std::optional<result<void>>>();
  start([this, what, work = std::move(work), done] {
    try {
      done->emplace(work());
    } catch (...) {
      if (is_dead_) throw;
      done->emplace(detail::handler_failure(what));
    }
  });
  return done;
}

void scheduler::later(std::chrono::microseconds delay, std::function<void()> work) {
  if (!is_dead_) timers_.emplace(now_ + delay, std::move(work));
}

void scheduler::pass(std::chrono::microseconds time) {
  now_ += time;
  clock_.advance(time);
}

scheduler::time_point scheduler::next_event() const {
  auto next = timers_.empty() ? time_point::max() : timers_.begin()->first;
  for (const auto& each : waiting_) next = std::min(next, each.limit);
  for (const auto& each : runnable_) next = std::min(next, each->stalled_until_);
  return next;
}

// Fills ready_ and, if any is stalled, not_stalled_: there may be thousands that are not. Returns how many things can
// be done.
std::size_t scheduler::find_runnable() {
  ready_.clear();
  not_stalled_.clear();
  for (std::size_t i = 0; i < waiting_.size(); ++i) {
    if (waiting_[i].limit <= now_ || (*waiting_[i].ready)()) ready_.push_back(i);
  }
  for (std::size_t i = 0; has_stalled() && i < runnable_.size(); ++i) {
    if (runnable_[i]->stalled_until_ <= now_) not_stalled_.push_back(i);
  }
  const bool is_timer_due = !timers_.empty() && timers_.begin()->first <= now_;
  return ready_.size() + count_not_stalled() + (new_threads_.empty() ? 0 : 1) + (is_timer_due ? 1 : 0);
}

bool scheduler::step() { return step_until(time_point::max()); }

bool scheduler::step_until(time_point limit) {
  ++steps_;
  disturb();
  auto count = find_runnable();
  while (count == 0) {
    const auto next = next_event();
    if (next == time_point::max() || next > limit) return false;
    pass(std::chrono::ceil<std::chrono::microseconds>(next - now_));
    count = find_runnable();
  }
  // What comes first is the plainest: actors in the order in which they got their messages.
  auto chosen = static_cast<std::size_t>(choices_.below(count));
  if (chosen < count_not_stalled()) {
    const auto place = runnable_.begin() + static_cast<std::ptrdiff_t>(has_stalled() ? not_stalled_[chosen] : chosen);
    const auto actor = *place;
    runnable_.erase(place);
    run(actor);
    return true;
  }
  chosen -= count_not_stalled();
  if (chosen < ready_.size()) {
    const auto place = waiting_.begin() + static_cast<std::ptrdiff_t>(ready_[chosen]);
    auto& thread = *place->who;
    waiting_.erase(place);
    resume(thread);
    return true;
  }
  chosen -= ready_.size();
  if (chosen == 0 && !new_threads_.empty()) {
    auto work = std::move(new_threads_.front());
    new_threads_.pop_front();
    run(std::move(work), nullptr);
    return true;
  }
  const auto due = std::move(timers_.extract(timers_.begin()).mapped());
  run(due, nullptr);
  return true;
}

// What a busy machine does to a program: an actor gets no time for a while, or none of them does.
void scheduler::disturb() {
  constexpr std::uint32_t looks_once_in = 8;
  if (stalls_.once_in == 0 || steps_ % looks_once_in != 0) return;
  if (!choices_.one_in(std::max(stalls_.once_in / looks_once_in, 1U))) return;
  // Short ones are as likely as long ones.
  const auto lengths = std::bit_width(static_cast<std::uint64_t>(std::max<std::int64_t>(stalls_.longest.count(), 1)));
  const std::chrono::milliseconds time{std::uint64_t{1} << choices_.below(static_cast<std::uint64_t>(lengths))};
  if (runnable_.empty() || choices_.one_in(4)) {
    pass(time);
  } else {
    runnable_[choices_.below(runnable_.size())]->stalled_until_ = now_ + time;
    stalls_end_ = std::max(stalls_end_, now_ + time);
  }
}

void scheduler::run(const std::shared_ptr<box>& actor) {
  if (actor->messages_.empty() || !actor->machine_) return;
  auto what = std::move(actor->messages_.front());
  actor->messages_.pop_front();
  actor->is_busy_ = true;
  run(
      [this, actor, what = std::make_shared<detail::mail_ptr>(std::move(what))] {
        struct end {
          scheduler& by;
          const std::shared_ptr<box>& actor;
          ~end() {
            actor->is_busy_ = false;
            if (actor->is_closed_) actor->close();
            if (!actor->messages_.empty() && !by.is_dead_) by.runnable_.push_back(actor);
          }
        } const at_end{*this, actor};
        actor->machine_->receive(**what);
        while (!actor->is_closed_ && !actor->messages_.empty() && choices_.one_in(2)) {
          const auto next = std::move(actor->messages_.front());
          actor->messages_.pop_front();
          actor->machine_->receive(*next);
        }
        if (!actor->is_closed_) actor->machine_->turn_is_over();
      },
      actor.get());
}

void scheduler::run(std::function<void()> work, const box* as) {
  if (free_threads_.empty()) {
    threads_.push_back(std::make_unique<simulated_thread>());
    free_threads_.push_back(threads_.back().get());
  }
  auto& on = *free_threads_.back();
  free_threads_.pop_back();
  on.actor = as;
  running_ = &on;
  on.stack.run([this, work = std::move(work)]() mutable {
    try {
      std::exchange(work, nullptr)();
    } catch (...) {
      // Whatever somebody has made of program_killed.
      if (!is_dead_) throw;
    }
  });
  after_switch(on);
}

void scheduler::resume(simulated_thread& thread) {
  running_ = &thread;
  thread.stack.resume();
  after_switch(thread);
}

void scheduler::after_switch(simulated_thread& left) {
  running_ = nullptr;
  if (left.stack.has_ended()) free_threads_.push_back(&left);
}

void scheduler::kill() {
  is_dead_ = true;
  new_threads_.clear();
  timers_.clear();
  runnable_.clear();
  while (!waiting_.empty()) {
    auto& thread = *waiting_.back().who;
    waiting_.pop_back();
    resume(thread);
  }
}

}  // namespace tyto::testing

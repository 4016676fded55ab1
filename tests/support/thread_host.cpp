// Takes the place of caf_host.cpp in builds for ThreadSanitizer, which does not see how a library orders its memory
// that was not compiled with it: Debian's CAF. The runtime's machines run here on plain threads, as they do there.
#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "actor/caf_host.hpp"

namespace tyto::detail {
namespace {

thread_local const host* running_here = nullptr;

class thread_host;

// One actor: its machine, which one thread runs at a time, and what waits for it.
class running_actor : public std::enable_shared_from_this<running_actor> {
 public:
  running_actor(thread_host& on, std::unique_ptr<actor> machine, placement where);

  void start(const std::weak_ptr<mailbox>& box);
  void post(std::shared_ptr<mail> letter);
  std::function<void()> post_for_turn(std::shared_ptr<mail> letter);
  void close() { end(&running_actor::closed_); }
  // Nobody can post any more; what has been posted is still handled.
  void abandon() { end(&running_actor::abandoned_); }

  // Handles up to `most` letters. Only for the thread that has it in its hands.
  void run(std::size_t most);
  // Handles letters until the actor ends.
  void run_until_end();

 private:
  // Returns whether the caller has it in its hands now.
  bool take_in_hand() { return !machine_gone_ && where_ == placement::shared && !std::exchange(in_hand_, true); }
  [[nodiscard]] bool is_over() const { return closed_ || (abandoned_ && letters_.empty()); }
  void end(bool running_actor::*by);
  void handle(std::unique_lock<std::mutex>& held);
  void drop_machine(std::unique_lock<std::mutex>& held);

  thread_host& on_;
  const placement where_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::unique_ptr<actor> machine_;
  std::deque<std::shared_ptr<mail>> letters_;
  bool in_hand_ = false;
  bool closed_ = false;
  bool abandoned_ = false;
  bool machine_gone_ = false;
};

class thread_mailbox final : public mailbox {
 public:
  explicit thread_mailbox(std::shared_ptr<running_actor> of) : of_(std::move(of)) {}
  thread_mailbox(const thread_mailbox&) = delete;
  thread_mailbox& operator=(const thread_mailbox&) = delete;
  ~thread_mailbox() override { of_->abandon(); }

  void post(std::shared_ptr<mail> letter) override { of_->post(std::move(letter)); }
  std::function<void()> post_for_turn(std::shared_ptr<mail> letter) override {
    return of_->post_for_turn(std::move(letter));
  }
  void close() override { of_->close(); }

 private:
  const std::shared_ptr<running_actor> of_;
};

class thread_host final : public host {
 public:
  explicit thread_host(std::size_t workers) {
    for (std::size_t i = 0; i < workers; ++i) threads_.emplace_back([this] { work(); });
    threads_.emplace_back([this] { post_what_is_due(); });
  }
  thread_host(const thread_host&) = delete;
  thread_host& operator=(const thread_host&) = delete;
  ~thread_host() override {
    wait_for_all();
    const std::lock_guard held{mutex_};
    stopped_ = true;
    changed_.notify_all();
    // threads_ goes first, and waits for each.
  }

  std::shared_ptr<mailbox> spawn(std::unique_ptr<actor> machine, placement where) override {
    auto spawned = std::make_shared<running_actor>(*this, std::move(machine), where);
    auto box = std::make_shared<thread_mailbox>(spawned);
    spawned->start(box);
    const std::lock_guard held{mutex_};
    ++alive_;
    if (where == placement::dedicated) {
      threads_.emplace_back([this, spawned] { as_this([&] { spawned->run_until_end(); }); });
    }
    return box;
  }

  void post_after(std::chrono::milliseconds delay, const std::shared_ptr<mailbox>& box,
                  std::shared_ptr<mail> letter) override {
    const std::lock_guard held{mutex_};
    later_.emplace(now() + delay, std::pair{std::weak_ptr{box}, std::move(letter)});
    changed_.notify_all();
  }

  [[nodiscard]] std::chrono::steady_clock::time_point now() const override { return std::chrono::steady_clock::now(); }
  [[nodiscard]] bool runs_here() const override { return running_here == this; }

  void wait_for_all() override {
    std::unique_lock held{mutex_};
    changed_.wait(held, [&] { return alive_ == 0; });
  }

  // All notify while they hold the mutex: once it is free, the last actor may end, and the host with it.
  void enqueue(std::shared_ptr<running_actor> ready) {
    const std::lock_guard held{mutex_};
    ready_.push_back(std::move(ready));
    changed_.notify_all();
  }

  void actor_has_ended() {
    const std::lock_guard held{mutex_};
    --alive_;
    changed_.notify_all();
  }

  template <class Work>
  void as_this(const Work& work) {
    const auto* before = std::exchange(running_here, this);
    work();
    running_here = before;
  }

 private:
  void work() {
    constexpr std::size_t at_a_time = 100;
    std::unique_lock held{mutex_};
    while (true) {
      changed_.wait(held, [&] { return stopped_ || !ready_.empty(); });
      if (ready_.empty()) return;
      auto next = std::move(ready_.front());
      ready_.pop_front();
      held.unlock();
      as_this([&] { next->run(at_a_time); });
      next.reset();
      held.lock();
    }
  }

  void post_what_is_due() {
    std::unique_lock held{mutex_};
    while (!stopped_) {
      if (later_.empty()) {
        changed_.wait(held);
      } else if (later_.begin()->first > now()) {
        const auto due = later_.begin()->first;
        changed_.wait_until(held, due);
      } else {
        auto [box, letter] = std::move(later_.begin()->second);
        later_.erase(later_.begin());
        held.unlock();
        if (auto alive = box.lock()) alive->post(std::move(letter));
        held.lock();
      }
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<running_actor>> ready_;
  std::multimap<std::chrono::steady_clock::time_point, std::pair<std::weak_ptr<mailbox>, std::shared_ptr<mail>>> later_;
  std::size_t alive_ = 0;
  bool stopped_ = false;
  std::vector<std::jthread> threads_;
};

running_actor::running_actor(thread_host& on, std::unique_ptr<actor> machine, placement where)
    : on_(on), where_(where), machine_(std::move(machine)) {}

void running_actor::start(const std::weak_ptr<mailbox>& box) { machine_->bind(box); }

void running_actor::post(std::shared_ptr<mail> letter) {
  bool is_mine = false;
  {
    const std::lock_guard held{mutex_};
    if (machine_gone_ || closed_) return;
    letters_.push_back(std::move(letter));
    is_mine = take_in_hand();
  }
  if (is_mine) on_.enqueue(shared_from_this());
  changed_.notify_all();
}

std::function<void()> running_actor::post_for_turn(std::shared_ptr<mail> letter) {
  bool is_mine = false;
  {
    const std::lock_guard held{mutex_};
    if (machine_gone_ || closed_) return {};
    letters_.push_back(std::move(letter));
    is_mine = take_in_hand();
  }
  changed_.notify_all();
  if (!is_mine) return {};
  return [self = shared_from_this()] { self->on_.as_this([&] { self->run(1); }); };
}

void running_actor::end(bool running_actor::*by) {
  std::unique_lock held{mutex_};
  this->*by = true;
  if (is_over() && take_in_hand()) drop_machine(held);
  held.unlock();
  changed_.notify_all();
}

void running_actor::run(std::size_t most) {
  std::unique_lock held{mutex_};
  for (; most > 0 && !is_over() && !letters_.empty(); --most) handle(held);
  if (is_over()) return drop_machine(held);
  if (letters_.empty()) {
    in_hand_ = false;
    return;
  }
  held.unlock();
  on_.enqueue(shared_from_this());
}

void running_actor::run_until_end() {
  std::unique_lock held{mutex_};
  while (!is_over()) {
    if (letters_.empty()) {
      changed_.wait(held);
    } else {
      handle(held);
    }
  }
  drop_machine(held);
}

void running_actor::handle(std::unique_lock<std::mutex>& held) {
  auto letter = std::move(letters_.front());
  letters_.pop_front();
  held.unlock();
  machine_->receive(*letter);
  letter.reset();
  held.lock();
}

void running_actor::drop_machine(std::unique_lock<std::mutex>& held) {
  machine_gone_ = true;
  auto letters = std::exchange(letters_, {});
  auto machine = std::move(machine_);
  held.unlock();
  letters.clear();
  machine.reset();
  on_.actor_has_ended();
  held.lock();
}

std::size_t workers_of(std::size_t worker_threads) {
  return worker_threads != 0 ? worker_threads : std::max<std::size_t>(std::thread::hardware_concurrency(), 1);
}

}  // namespace

std::unique_ptr<host> make_caf_host(std::size_t worker_threads) {
  return std::make_unique<thread_host>(workers_of(worker_threads));
}

std::size_t threads_of_caf_host(std::size_t worker_threads) { return workers_of(worker_threads) + 1; }

}  // namespace tyto::detail

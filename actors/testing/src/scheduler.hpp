// The one thread of a simulated world: runs actors and whatever else would have a thread, one step at a time, in an
// order that is drawn, under clocks that move when nothing else can.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "actor/host.hpp"
#include "actor/threads.hpp"
#include "fiber.hpp"
#include "tyto/result.hpp"
#include "tyto/testing/choices.hpp"
#include "tyto/testing/test_clock.hpp"

namespace tyto::testing {

/// How often an actor, or all of them, get no time for a while; see simulation_options.
struct stalling {
  std::uint32_t once_in = 0;  // steps; 0: never
  std::chrono::milliseconds longest{1};
};

class scheduler final : public detail::simulated_threads {
 public:
  /// `time` moves with the scheduler's own, and may be set besides.
  scheduler(choices& from, test_clock& time, stalling often = {});
  ~scheduler() override;

  [[nodiscard]] std::unique_ptr<detail::host> make_host() override;
  [[nodiscard]] time_point now() const override { return now_; }
  bool wait_until(const std::function<bool()>& ready, time_point limit) override;
  std::function<bool()> start(std::function<void()> work) override;
  [[nodiscard]] const void* current() const override { return running_; }

  /// What has come of work on a thread of its own: nothing as long as it goes on, or if it was killed.
  using outcome = std::shared_ptr<const std::optional<result<void>>>;

  /// Starts `work` on a thread of its own. If it throws, the outcome is errc::handler_failed. Nobody has to wait for
  /// it.
  outcome begin(const std::string& what, std::function<result<void>()> work);

  /// Runs `work` when `delay` has passed, unless the program has been killed by then.
  void later(std::chrono::microseconds delay, std::function<void()> work);

  /// Does one thing of those that can be done; returns false if there is none, and none will come.
  bool step();
  /// The same without going beyond `limit`: returns false, too, if there is nothing that can be done by then.
  bool step_until(time_point limit);
  /// Lets time pass, with nothing done meanwhile.
  void pass(std::chrono::microseconds time);

  /// Ends everything where it is: who waits gets an exception that must come through, and mailboxes take nothing more.
  void kill();
  /// Stalls nobody any more.
  void calm() {
    stalls_ = {};
    stalls_end_ = {};
  }

  /// Makes place for another program after kill().
  void revive() { is_dead_ = false; }

  /// Whether it has been killed, and not revived since.
  [[nodiscard]] bool is_dead() const { return is_dead_; }

  [[nodiscard]] std::uint64_t steps() const { return steps_; }

 private:
  friend class simulated_host;
  class box;
  struct simulated_thread;

  /// What the threads of a killed program get where they wait.
  struct program_killed {};

  struct waiting {
    simulated_thread* who;
    const std::function<bool()>* ready;
    time_point limit;
  };

  void post(const std::shared_ptr<box>& to, detail::mail_ptr what);
  void run(const std::shared_ptr<box>& actor);
  void run(std::function<void()> work, const box* as);
  void resume(simulated_thread& thread);
  void after_switch(simulated_thread& left);
  [[nodiscard]] time_point next_event() const;
  [[nodiscard]] std::size_t find_runnable();
  [[nodiscard]] bool has_stalled() const { return now_ < stalls_end_; }
  [[nodiscard]] std::size_t count_not_stalled() const { return has_stalled() ? not_stalled_.size() : runnable_.size(); }
  void disturb();

  choices& choices_;
  test_clock& clock_;
  stalling stalls_;
  time_point now_{std::chrono::hours{1}};
  bool is_dead_ = false;
  std::uint64_t steps_ = 0;

  std::vector<std::unique_ptr<simulated_thread>> threads_;
  std::vector<simulated_thread*> free_threads_;
  simulated_thread* running_ = nullptr;
  std::deque<std::function<void()>> new_threads_;
  std::vector<waiting> waiting_;
  std::deque<std::shared_ptr<box>> runnable_;  // have a message and are not in the middle of one; the first since long
  time_point stalls_end_{};                    // when none of them is stalled any more
  std::vector<std::size_t> ready_;             // of waiting_
  std::vector<std::size_t> not_stalled_;       // of runnable_
  std::multimap<time_point, std::function<void()>> timers_;
};

}  // namespace tyto::testing

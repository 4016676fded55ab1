#include "actor/caf_host.hpp"

#include <algorithm>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/execution_unit.hpp>
#include <caf/logger.hpp>
#include <caf/resumable.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>
#include <caf/send.hpp>
#include <thread>
#include <utility>

namespace tyto::detail {

struct caf_envelope {
  std::shared_ptr<mail> letter;
};

}  // namespace tyto::detail

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tyto::detail::caf_envelope)

namespace tyto::detail {
namespace {

// The host whose actor this thread is running.
thread_local const host* running_here = nullptr;

class caf_actor final : public caf::event_based_actor {
 public:
  caf_actor(caf::actor_config& config, std::unique_ptr<actor> machine, const host& of)
      : caf::event_based_actor(config), machine_(std::move(machine)), of_(of) {}

  caf::behavior make_behavior() override {
    // Machines catch what users' code throws. If one throws all the same, the runtime has a defect: CAF would end the
    // actor in silence and leave callers waiting for ever, so the program ends here instead. The journal can take it.
    return {[this](const caf_envelope& envelope) noexcept {
      const auto* before = std::exchange(running_here, &of_);
      machine_->receive(*envelope.letter);
      running_here = before;
    }};
  }

  // The machine goes when the actor ends, not when the last handle does: it holds addresses of other actors.
  void on_exit() override { machine_.reset(); }

 private:
  std::unique_ptr<actor> machine_;
  const host& of_;
};

// A thread that is none of CAF's and runs one actor for one message. CAF hands it the actor when a message finds that
// actor's mailbox empty.
class guest final : public caf::execution_unit {
 public:
  explicit guest(caf::actor_system& system) : caf::execution_unit(&system) {}

  void exec_later(caf::resumable* job) override {
    if (given_ == nullptr) {
      given_ = job;
    } else {
      system().scheduler().enqueue(job);
    }
  }

  [[nodiscard]] caf::resumable* given() const { return given_; }

  static void run(caf::actor_system& system, caf::resumable* job) {
    guest here{system};
    here.given_ = job;
    if (job->resume(&here, 1) == caf::resumable::resume_later) {
      system.scheduler().enqueue(job);
    } else {
      intrusive_ptr_release(job);
    }
  }

 private:
  caf::resumable* given_ = nullptr;
};

class caf_mailbox final : public mailbox {
 public:
  explicit caf_mailbox(caf::actor handle) : handle_(std::move(handle)) {}

  void post(std::shared_ptr<mail> letter) override { caf::anon_send(handle_, caf_envelope{std::move(letter)}); }
  std::function<void()> post_for_turn(std::shared_ptr<mail> letter) override {
    auto& system = handle_.home_system();
    guest here{system};
    handle_->enqueue(nullptr, caf::make_message_id(), caf::make_message(caf_envelope{std::move(letter)}), &here);
    auto* job = here.given();
    if (job == nullptr) return {};
    return [&system, job] { guest::run(system, job); };
  }
  void close() override { caf::anon_send_exit(handle_, caf::exit_reason::kill); }
  void post_after(std::chrono::milliseconds delay, std::shared_ptr<mail> letter) {
    caf::delayed_anon_send(handle_, delay, caf_envelope{std::move(letter)});
  }

 private:
  caf::actor handle_;
};

std::size_t workers_of(std::size_t worker_threads) {
  return worker_threads != 0 ? worker_threads : std::max<std::size_t>(std::thread::hardware_concurrency(), 1);
}

class caf_host final : public host {
 public:
  explicit caf_host(std::size_t worker_threads) : system_(configure(config_, worker_threads)) { let_go_of_system(); }

  std::shared_ptr<mailbox> spawn(std::unique_ptr<actor> machine, placement where) override {
    auto& bound = *machine;
    auto handle = where == placement::dedicated ? system_.spawn<caf_actor, caf::detached>(std::move(machine), *this)
                                                : system_.spawn<caf_actor, caf::lazy_init>(std::move(machine), *this);
    let_go_of_system();
    auto box = std::make_shared<caf_mailbox>(std::move(handle));
    bound.bind(box);
    return box;
  }

  void post_after(std::chrono::milliseconds delay, const std::shared_ptr<mailbox>& box,
                  std::shared_ptr<mail> letter) override {
    static_cast<caf_mailbox&>(*box).post_after(delay, std::move(letter));
  }

  [[nodiscard]] std::chrono::steady_clock::time_point now() const override { return std::chrono::steady_clock::now(); }

  [[nodiscard]] bool runs_here() const override { return running_here == this; }

  void wait_for_all() override { system_.await_all_actors_done(); }

 private:
  // A thread that has made the system or an actor keeps the system's logger in a variable of its own, and the end of
  // the system waits for it: for ever, if it is a thread of the user that goes on with other things.
  static void let_go_of_system() { caf::logger::set_current_actor_system(nullptr); }

  static caf::actor_system_config& configure(caf::actor_system_config& config, std::size_t worker_threads) {
    // Of CAF's two schedulers this one costs no CPU when idle and picks up a message sent by a blocked worker at once.
    config.set("scheduler.policy", caf::atom("sharing"));
    // How many messages an actor may handle before it makes room for another.
    config.set("scheduler.max-throughput", std::size_t{100});
    config.set("scheduler.max-threads", workers_of(worker_threads));
    return config;
  }

  caf::actor_system_config config_;
  caf::actor_system system_;
};

}  // namespace

std::unique_ptr<host> make_caf_host(std::size_t worker_threads) { return std::make_unique<caf_host>(worker_threads); }

std::size_t threads_of_caf_host(std::size_t worker_threads) {
  constexpr std::size_t of_its_own = 2;  // for what is posted later, and its printer
  return workers_of(worker_threads) + of_its_own;
}

}  // namespace tyto::detail

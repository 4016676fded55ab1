#include "actor/caf_host.hpp"

#include <algorithm>
#include <atomic>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/execution_unit.hpp>
#include <caf/logger.hpp>
#include <caf/resumable.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>
#include <caf/send.hpp>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "actor/cell.hpp"
#include "actor/thread_lane.hpp"

namespace tyto::detail {

// CAF copies its messages.
struct caf_late_mail {
  std::weak_ptr<mailbox> to;
  std::shared_ptr<mail_ptr> what;
};

}  // namespace tyto::detail

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tyto::detail::caf_late_mail)

namespace tyto::detail {
namespace {

// CAF's worker threads. They see a cell for as long as it has messages, and neither its mailbox nor these.
class caf_lane final : public lane {
 public:
  caf_lane(caf::actor_system& system, cell_count& alive) : system_(system), alive_(alive) {}

  void schedule(std::shared_ptr<cell> ready) override { system_.scheduler().enqueue(new job{std::move(ready)}); }
  [[nodiscard]] bool takes_many() const override { return true; }
  // Each worker that has nothing else to do takes the next of them, so a cell that blocks holds up no other.
  void schedule_all(std::vector<std::shared_ptr<cell>> ready) override {
    if (ready.size() == 1) return schedule(std::move(ready.front()));
    const auto workers = std::min(system_.scheduler().num_workers(), ready.size());
    const auto shared = std::make_shared<cells_to_run>(std::move(ready));
    for (std::size_t i = 0; i < workers; ++i) system_.scheduler().enqueue(new shared_job{*this, shared});
  }
  void cell_has_ended() override { alive_.remove(); }

 private:
  // Several jobs share one.
  struct cells_to_run {
    explicit cells_to_run(std::vector<std::shared_ptr<cell>> ready) : cells(std::move(ready)) {}
    std::vector<std::shared_ptr<cell>> cells;
    std::atomic<std::size_t> next = 0;
  };

  class shared_job final : public caf::resumable {
   public:
    shared_job(caf_lane& runs_in, std::shared_ptr<cells_to_run> all) : lane_(runs_in), all_(std::move(all)) {}
    [[nodiscard]] subtype_t subtype() const override { return function_object; }
    resume_result resume(caf::execution_unit*, std::size_t) override {
      for (auto i = all_->next++; i < all_->cells.size(); i = all_->next++) {
        auto taken = std::move(all_->cells[i]);
        if (!taken->run(messages_a_turn)) lane_.schedule(std::move(taken));
      }
      return done;
    }
    void intrusive_ptr_add_ref_impl() override {}
    void intrusive_ptr_release_impl() override { delete this; }

   private:
    caf_lane& lane_;
    const std::shared_ptr<cells_to_run> all_;
  };

  // CAF releases it once, when it is done.
  class job final : public caf::resumable {
   public:
    explicit job(std::shared_ptr<cell> ready) : ready_(std::move(ready)) {}
    [[nodiscard]] subtype_t subtype() const override { return function_object; }
    resume_result resume(caf::execution_unit*, std::size_t) override {
      return ready_->run(messages_a_turn) ? done : resume_later;
    }
    void intrusive_ptr_add_ref_impl() override {}
    void intrusive_ptr_release_impl() override { delete this; }

   private:
    const std::shared_ptr<cell> ready_;
  };

  caf::actor_system& system_;
  cell_count& alive_;
};

// Gets from CAF's clock what is due, and posts it.
class late_post final : public caf::event_based_actor {
 public:
  using caf::event_based_actor::event_based_actor;
  caf::behavior make_behavior() override {
    return {[](const caf_late_mail& late) {
      if (const auto to = late.to.lock()) to->post(std::move(*late.what));
    }};
  }
};

class caf_host final : public host {
 public:
  explicit caf_host(std::size_t worker_threads)
      : system_(configure(config_, worker_threads)), workers_(system_, alive_) {
    later_ = system_.spawn<late_post>();
    let_go_of_system();
  }
  caf_host(const caf_host&) = delete;
  caf_host& operator=(const caf_host&) = delete;
  ~caf_host() override {
    wait_for_all();
    caf::anon_send_exit(later_, caf::exit_reason::kill);
  }

  std::shared_ptr<mailbox> spawn(std::unique_ptr<actor> machine, placement where) override {
    lane& runs_in = where == placement::shared ? static_cast<lane&>(workers_) : dedicated_.add();
    auto made = cell::make(runs_in, *this, std::move(machine));
    alive_.add();
    return made;
  }

  void post_after(std::chrono::milliseconds delay, const std::shared_ptr<mailbox>& box, mail_ptr what) override {
    caf::delayed_anon_send(later_, delay, caf_late_mail{box, std::make_shared<mail_ptr>(std::move(what))});
  }

  [[nodiscard]] std::chrono::steady_clock::time_point now() const override { return std::chrono::steady_clock::now(); }

  [[nodiscard]] bool runs_here() const override { return cell::runs_here(*this); }

  void wait_for_all() override { alive_.wait_until_none(); }

 private:
  // A thread that has made the system or an actor keeps the system's logger in a variable of its own, and the end of
  // the system waits for it: for ever, if it is a thread of the user that goes on with other things.
  static void let_go_of_system() { caf::logger::set_current_actor_system(nullptr); }

  static caf::actor_system_config& configure(caf::actor_system_config& config, std::size_t worker_threads) {
    // Of CAF's two schedulers this one costs no CPU when idle and picks up a message sent by a blocked worker at once.
    config.set("scheduler.policy", caf::atom("sharing"));
    config.set("scheduler.max-threads", workers_of(worker_threads));
    return config;
  }

  cell_count alive_;
  caf::actor_system_config config_;
  caf::actor_system system_;
  caf_lane workers_;
  dedicated_lanes dedicated_{alive_};
  caf::actor later_;
};

}  // namespace

std::unique_ptr<host> make_caf_host(std::size_t worker_threads) { return std::make_unique<caf_host>(worker_threads); }

std::size_t threads_of_caf_host(std::size_t worker_threads) {
  constexpr std::size_t of_its_own = 2;  // for what is posted later, and its printer
  return workers_of(worker_threads) + of_its_own;
}

}  // namespace tyto::detail

// A workload in which commands follow from events: command -> event -> reaction -> command -> event -> process manager
// -> command -> event, with 10,000 of these chains under way.
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "drive.hpp"
#include "scratch.hpp"
#include "tyto/process_manager.hpp"
#include "tyto/runtime.hpp"
#include "workloads.hpp"

namespace bench {

struct job_started {
  std::int64_t number = 0;
};
struct job_finished {};
TYTO_EVENT(job_started, "job.started", number)
TYTO_EVENT(job_finished, "job.finished")

struct job {
  static constexpr std::string_view category = "job";
  struct start {
    std::int64_t number = 0;
  };
  struct finish {};
  using command = std::variant<start, finish>;
  using event = std::variant<job_started, job_finished>;
  struct state {
    bool is_finished = false;
  };
  static tyto::decision<event> decide(const state&, const start& c) { return job_started{c.number}; }
  static tyto::decision<event> decide(const state& now, const finish&) {
    if (now.is_finished) return tyto::nothing;
    return job_finished{};
  }
  static state evolve(const state& now, const job_started&) { return now; }
  static state evolve(const state&, const job_finished&) { return {true}; }
};

struct work_done {
  std::int64_t number = 0;
};
TYTO_EVENT(work_done, "work.done", number)

struct work {
  static constexpr std::string_view category = "work";
  struct perform {
    std::int64_t number = 0;
  };
  using command = std::variant<perform>;
  using event = std::variant<work_done>;
  struct state {
    std::int64_t sum = 0;
  };
  static tyto::decision<event> decide(const state&, const perform& c) { return work_done{c.number}; }
  static state evolve(const state& now, const work_done& e) { return {now.sum + e.number}; }
};

struct hand_over {
  static constexpr std::string_view name = "hand_over";
  static tyto::commands react(const job_started& e, const tyto::metadata& m) {
    return {tyto::send<work>(m.entity_id(), work::perform{e.number})};
  }
};

struct supervision_begun {};
struct supervision_over {};
TYTO_EVENT(supervision_begun, "supervision.begun")
TYTO_EVENT(supervision_over, "supervision.over")

struct supervision {
  static constexpr std::string_view name = "supervision";
  using inputs = tyto::events<job_started, work_done>;
  using event = std::variant<supervision_begun, supervision_over>;
  struct state {
    bool is_over = false;
  };
  static bool is_over(const state& now) { return now.is_over; }
  static tyto::correlation correlate(const job_started&, const tyto::metadata& m) {
    return tyto::starts(m.entity_id());
  }
  static tyto::correlation correlate(const work_done&, const tyto::metadata& m) {
    return tyto::continues(m.entity_id());
  }
  static tyto::decision<event> on(const state&, const job_started&, const tyto::metadata&) {
    return supervision_begun{};
  }
  static tyto::decision<event> on(const state&, const work_done&, const tyto::metadata&) { return supervision_over{}; }
  static state evolve(const state& now, const supervision_begun&) { return now; }
  static state evolve(const state&, const supervision_over&) { return {true}; }
  static tyto::steps then(const supervision_over&, const std::string& id) {
    return {tyto::send<job>(id, job::finish{})};
  }
};

namespace {

using seconds = std::chrono::duration<double>;
using steady = std::chrono::steady_clock;

std::uint64_t context_switches() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  return static_cast<std::uint64_t>(used.ru_nvcsw + used.ru_nivcsw);
}

// Starts chains, some at once, so that what is measured is not how often the thread that does so wakes up; and waits
// for their ends.
class chains {
 public:
  explicit chains(const settings& how) : rt_{where_.open(how)} {
    rt_.aggregate<job>().aggregate<work>().reaction<hand_over>().process_manager<supervision>();
    ended_ = rt_.subscribe<job_finished>([this](const job_finished&, const tyto::metadata&) {
      if (++finished_ % at_once == 0) room_.release();
    });
    rt_.start().value();
  }

  void run(double seconds_to_run) {
    const auto start = steady::now();
    const auto switches = context_switches();
    const auto before = rt_.status().head;
    while (seconds(steady::now() - start).count() < seconds_to_run) {
      room_.acquire();
      for (std::uint64_t i = 0; i < at_once; ++i) {
        rt_.submit<job>(std::to_string(++started_), job::start{1}, {}, [this](const tyto::command_result& done) {
          if (!done) ++failures_;
        });
      }
    }
    rt_.settle(std::chrono::minutes{1}).value();
    if (failures_ > 0) throw std::runtime_error("commands failed");
    took_s_ += seconds(steady::now() - start).count();
    switches_ += context_switches() - switches;
    events_ += rt_.status().head - before;
    if (events_ != started_ * events_of_one) throw std::runtime_error("a chain has not come to its end");
  }

  [[nodiscard]] double per_second() const { return static_cast<double>(events_) / took_s_; }
  [[nodiscard]] double switches_per_event() const {
    return static_cast<double>(switches_) / static_cast<double>(events_);
  }

 private:
  static constexpr std::uint64_t at_once = 100;
  static constexpr std::ptrdiff_t under_way = 100;  // times so many
  static constexpr std::uint64_t events_of_one = 5;

  scratch where_;
  std::counting_semaphore<under_way> room_{under_way};
  std::atomic<std::uint64_t> failures_ = 0;
  std::uint64_t finished_ = 0;  // for the subscription
  tyto::runtime rt_;
  tyto::subscription ended_;
  std::uint64_t started_ = 0;
  std::uint64_t events_ = 0;
  std::uint64_t switches_ = 0;
  double took_s_ = 0;
};

}  // namespace

std::vector<measurement> chain(const settings& how) {
  chains ours{how};
  driver alone{how};
  by_turns(how.seconds,
           {[&](double s) { ours.run(s); }, [&, pick = uniform(many_aggregates)](double s) { alone.run(s, pick); }});
  return {{"chain", ours.per_second(), "events/s", alone.per_second(), "commands", ">= 0.5", {}},
          {"chain_wakes", ours.switches_per_event(), "switches", 1, "one context switch an event", "<= 0.05", {}}};
}

}  // namespace bench

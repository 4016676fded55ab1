// Workloads that look at what a program under load gets: how long an answer takes at half of the peak rate, and what
// the order simulation does.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "child.hpp"
#include "drive.hpp"
#include "generator.hpp"
#include "lmdb_reference.hpp"
#include "note.hpp"
#include "scratch.hpp"
#include "simulation.hpp"
#include "tyto/runtime.hpp"
#include "workloads.hpp"

namespace bench {
namespace {

using seconds = std::chrono::duration<double>;
using microseconds = std::chrono::duration<double, std::micro>;
using steady = std::chrono::steady_clock;

// Callers who do not wait for each other: each command has its time, and an answer's delay counts from there, whether
// the command could be sent then or not.
class open_loop {
 public:
  explicit open_loop(const settings& how) : rt_{where_.open(how)} { rt_.aggregate<note>().start().value(); }

  void run(double seconds_to_run, double per_second) {
    const auto count = static_cast<std::size_t>(seconds_to_run * per_second);
    const auto first = delays_us_.size();
    delays_us_.resize(first + count);
    const auto pick = uniform(many_aggregates);
    const auto start = steady::now();
    for (std::size_t i = 0; i < count; ++i) {
      const auto due =
          start + std::chrono::duration_cast<steady::duration>(seconds{static_cast<double>(i) / per_second});
      if (due > steady::now()) std::this_thread::sleep_until(due);
      rt_.submit<note>(std::to_string(pick()), write_note{1}, {},
                       [this, due, at = first + i](const tyto::command_result& done) {
                         if (!done) ++failures_;
                         delays_us_[at] = microseconds(steady::now() - due).count();
                       });
    }
    rt_.settle(std::chrono::minutes{1}).value();
    if (failures_ > 0) throw std::runtime_error("commands failed");
  }

  [[nodiscard]] latencies delays() const { return percentiles(delays_us_); }

 private:
  scratch where_;
  std::vector<double> delays_us_;
  std::atomic<std::uint64_t> failures_ = 0;
  tyto::runtime rt_;
};

double anonymous_megabytes() {
  std::ifstream status{"/proc/self/status"};
  std::string name;
  while (status >> name) {
    double kilobytes = 0;
    if (name == "RssAnon:" && status >> kilobytes) return kilobytes / 1'000;
    std::getline(status, name);
  }
  throw std::runtime_error("cannot understand /proc/self/status");
}

// Returns events/s of the shop, and how many megabytes it took at most beside its files.
std::vector<double> run_shop(const settings& how, std::uint64_t orders) {
  return in_a_child(2, [&] {
    const scratch where;
    std::atomic<double> most = 0;
    std::jthread looking{[&most](const std::stop_token& over) {
      while (!over.stop_requested()) {
        most = std::max(most.load(), anonymous_megabytes());
        std::this_thread::sleep_for(std::chrono::milliseconds{50});
      }
    }};
    shop::simulation_options options;
    options.gateway = {.seed = 42, .decline_rate = 0.02};
    options.mail = {.seed = 42};
    options.initial_stock = 1'000'000;
    const auto done = shop::simulate(where.open(how), shop::generate(42, orders), options).value();
    looking = {};
    return std::vector{static_cast<double>(done.events_after - done.events_before) / done.seconds, most.load()};
  });
}

}  // namespace

measurement half_load(const settings& how) {
  driver peak{how};
  open_loop ours{how};
  lmdb_journal by_hand{how, 1};
  std::vector<double> commits;
  by_turns(how.seconds, {[&, pick = uniform(many_aggregates)](double s) { peak.run(s, pick); },
                         [&](double s) { ours.run(s, peak.per_second() / 2); },
                         [&](double s) {
                           const auto end = steady::now() + std::chrono::duration_cast<steady::duration>(seconds{s});
                           while (steady::now() < end) {
                             const auto begin = steady::now();
                             by_hand.append(1);
                             commits.push_back(microseconds(steady::now() - begin).count());
                           }
                         }});
  const auto delays = ours.delays();
  return {
      "half_load", delays.p99_us, "us, p99", percentiles(std::move(commits)).p99_us, "one synced LMDB transaction, p99",
      "<= 3",      delays};
}

std::vector<measurement> orders(const settings& how) {
  constexpr std::uint64_t few = 10'000;
  constexpr std::uint64_t many = 1'000'000;
  constexpr double megabytes = 300;
  driver alone{how};
  alone.run(how.seconds / 2, uniform(many_aggregates));
  const auto short_run = run_shop(how, few);
  const auto long_run = run_shop(how, many);
  return {{"orders", short_run[0], "events/s", alone.per_second(), "commands", ">= 0.5", {}},
          {"orders_many", long_run[0], "events/s", short_run[0], "with 10,000 orders, not 1,000,000", ">= 0.9", {}},
          {"orders_memory", long_run[1], "MB", megabytes, "300 MB, beside the files", "<= 1", {}}};
}

}  // namespace bench

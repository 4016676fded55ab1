#include "tyto/testing/simulation.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <functional>
#include <limits>
#include <mutex>
#include <stdexcept>
#include <stop_token>
#include <thread>

#include "actor/threads.hpp"
#include "shrink.hpp"
#include "world.hpp"

namespace tyto::testing {
namespace {

using detail::world_definition;

// A world in which something waits for a real thread stands still for ever, and can say nothing. So another thread
// does.
class lookout {
 public:
  lookout() : watching_([this](const std::stop_token& over) { watch(over); }) {}

  [[nodiscard]] std::atomic<std::uint64_t>* heartbeat() { return &beats_; }

 private:
  static constexpr std::chrono::seconds patience{20};

  void watch(const std::stop_token& over) {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock{mutex};
    for (std::uint64_t seen = 0; !over.stop_requested(); seen = beats_) {
      never.wait_for(lock, over, patience, [] { return false; });
      if (over.stop_requested() || beats_ != seen) continue;
      std::fprintf(
          stderr,
          "tyto: a simulated world has stood still for %lld s: something in it waits for a real thread, such as a "
          "std::future or a mutex, or never returns. In a simulated world, execute() and let_pass() wait.\n",
          static_cast<long long>(patience.count()));
      return;
    }
  }

  std::atomic<std::uint64_t> beats_ = 0;
  std::jthread watching_;
};

void check(const world_definition& of, const exploration& worlds) {
  if (worlds.seeds == 0) throw std::invalid_argument{"tyto: a simulation of no seeds shows nothing"};
  if (of.options.actions > 0 && of.options.actions_at_once == 0) {
    throw std::invalid_argument{"tyto: simulation_options::actions_at_once is 0, so no action ever begins"};
  }
}

// Tries the numbers from 0 to `count` on threads until one of them fails; what fails is the lowest of those.
void try_all(std::uint64_t count, std::size_t threads, const std::function<bool(std::uint64_t)>& holds) {
  std::atomic<std::uint64_t> next = 0;
  std::atomic<std::uint64_t> lowest_failing = std::numeric_limits<std::uint64_t>::max();
  const auto work = [&] {
    for (auto i = next++; i < count && i < lowest_failing; i = next++) {
      if (holds(i)) continue;
      auto known = lowest_failing.load();
      while (i < known && !lowest_failing.compare_exchange_weak(known, i)) continue;
    }
  };
  if (threads == 0) threads = std::max(std::thread::hardware_concurrency(), 1U);
  std::vector<std::jthread> others;
  while (others.size() + 1 < threads) others.emplace_back(work);
  work();
}

constexpr std::uint64_t most_steps_of_shrinking = 5'000'000;

// What several threads find out.
class collected {
 public:
  void add(const run_outcome& outcome) {
    const std::lock_guard lock{mutex_};
    ++report_.worlds;
    report_.steps += outcome.steps;
    report_.crashes += outcome.crashes;
  }
  void add_crash_point() {
    const std::lock_guard lock{mutex_};
    ++report_.crash_points;
  }
  /// Keeps the failure with the lowest number.
  void fail(std::uint64_t number, std::uint64_t seed, const run_outcome& outcome, const run_settings& settings,
            std::optional<std::uint64_t> crash_point = {}) {
    const std::lock_guard lock{mutex_};
    if (failed_ && failed_->number < number) return;
    failed_ = failed{number, seed, crash_point, *outcome.failure, outcome.drawn, settings};
  }

  simulation_report finish(const world_definition& of, std::size_t shrinking_runs) {
    if (!failed_) return report_;
    auto settings = failed_->settings;
    // Long runs are told as they are rather than tried again for ever.
    std::uint64_t steps_left = most_steps_of_shrinking;
    const auto fails = [&](const script& drawn) {
      if (steps_left == 0) return false;
      const auto again = run_world(of, drawn, settings);
      steps_left -= std::min(steps_left, again.steps);
      return again.failure && again.failure->name == failed_->what.name;
    };
    auto& shown = report_.failure.emplace();
    shown.seed = failed_->seed;
    shown.crash_point = failed_->crash_point;
    if (!fails(failed_->drawn)) {
      shown.what =
          failed_->what.name + ": " + failed_->what.detail +
          "\nThe same run did not fail again: does the program use a clock, threads, or random numbers that are "
          "not the world's?";
      return report_;
    }
    const auto shortest = shrink(failed_->drawn, fails, shrinking_runs);
    settings.tells_story = true;
    const auto told = run_world(of, shortest, settings);
    shown.what = told.failure ? told.failure->name + ": " + told.failure->detail : failed_->what.name;
    shown.story = told.story;
    return report_;
  }

 private:
  struct failed {
    std::uint64_t number;
    std::uint64_t seed;
    std::optional<std::uint64_t> crash_point;
    finding what;
    script drawn;
    run_settings settings;
  };

  std::mutex mutex_;
  simulation_report report_;
  std::optional<failed> failed_;
};

class stopwatch {
 public:
  [[nodiscard]] std::chrono::duration<double> passed() const { return std::chrono::steady_clock::now() - began_; }

 private:
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

}  // namespace

void let_pass(std::chrono::milliseconds time) {
  auto* const world = detail::simulated_threads::here();
  if (world == nullptr) throw std::logic_error{"tyto: let_pass() is called in a simulated world alone"};
  world->wait_until([] { return false; }, world->now() + time);
}

std::ostream& operator<<(std::ostream& out, const simulation_report& report) {
  if (!report.failure) {
    out << report.worlds << " worlds, " << report.steps << " steps, " << report.crashes << " crashes";
    if (report.crash_points > 0) out << ", " << report.crash_points << " crash points";
    return out << ", in " << report.time.count() << " s: all is well";
  }
  out << "seed " << report.failure->seed;
  if (const auto point = report.failure->crash_point) {
    out << ", crash point " << *point << (*point % 2 == 1 ? " (power is lost " : " (killed ")
        << (*point / 2 % 2 == 1 ? "after" : "before") << " operation " << *point / 4 << " of its storage)";
  }
  out << " fails: " << report.failure->what << "\n";
  for (const auto& line : report.failure->story) out << line << "\n";
  return out;
}

}  // namespace tyto::testing

namespace tyto::detail {

using testing::exploration;
using testing::run_settings;
using testing::run_world;
using testing::simulation_report;

simulation_report explore(const world_definition& of, const exploration& worlds) {
  testing::check(of, worlds);
  testing::lookout standing_still;
  const run_settings settings{.heartbeat = standing_still.heartbeat()};
  const testing::stopwatch watch;
  testing::collected found;
  testing::try_all(worlds.seeds, worlds.threads, [&](std::uint64_t i) {
    const auto seed = worlds.first_seed + i;
    const auto outcome = run_world(of, seed, settings);
    found.add(outcome);
    if (outcome.failure) found.fail(i, seed, outcome, settings);
    return !outcome.failure;
  });
  const auto time = watch.passed();
  auto report = found.finish(of, worlds.shrinking_runs);
  report.time = time;
  return report;
}

simulation_report crash_everywhere(const world_definition& of, const exploration& worlds) {
  testing::check(of, worlds);
  testing::lookout standing_still;
  const testing::stopwatch watch;
  testing::collected found;
  for (std::uint64_t seed = worlds.first_seed; seed < worlds.first_seed + worlds.seeds; ++seed) {
    const run_settings undisturbed{.has_faults = false, .heartbeat = standing_still.heartbeat()};
    const auto whole = run_world(of, seed, undisturbed);
    found.add(whole);
    if (whole.failure) {
      found.fail(0, seed, whole, undisturbed);
      break;
    }
    std::atomic<bool> is_well = true;
    const auto first = worlds.crash_point.value_or(0);
    const auto points = worlds.crash_point ? 1 : 4 * whole.operations;
    testing::try_all(points, worlds.threads, [&](std::uint64_t i) {
      const auto point = first + i;
      auto settings = undisturbed;
      settings.crash_point = point / 2;
      settings.loses_power = point % 2 == 1;
      const auto outcome = run_world(of, seed, settings);
      found.add(outcome);
      found.add_crash_point();
      if (outcome.failure) found.fail(i, seed, outcome, settings, point);
      if (outcome.failure) is_well = false;
      return !outcome.failure;
    });
    if (!is_well) break;
  }
  const auto time = watch.passed();
  auto report = found.finish(of, worlds.shrinking_runs);
  report.time = time;
  return report;
}

}  // namespace tyto::detail

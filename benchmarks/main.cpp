// tyto_bench: measures a workload, or all of them, each beside its reference in the same run.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <exception>
#include <functional>
#include <stop_token>
#include <string>
#include <thread>
#include <tyto/printable.hpp>
#include <utility>
#include <vector>

#include "scratch.hpp"
#include "stop_signals.hpp"
#include "workloads.hpp"

namespace {

using bench::measurement;
using bench::settings;

struct workload {
  std::string name;
  std::function<std::vector<measurement>(const settings&)> measure;
  bool synced_only = false;
};

workload one(std::string name, measurement (*measure)(const settings&)) {
  return {std::move(name), [measure](const settings& how) { return std::vector{measure(how)}; }};
}

// Looks for a signal while workloads run, which know nothing of it. Removes their directories and ends the program.
class signal_watch {
 public:
  signal_watch() { program::note_stop_signals(); }

 private:
  std::jthread watching_{[](const std::stop_token& over) {
    while (!over.stop_requested()) {
      if (program::noted_signal() != 0) {
        bench::scratch::remove_all_for_good();
        program::end_by_noted_signal();
      }
      std::this_thread::sleep_for(std::chrono::milliseconds{20});
    }
  }};
};

}  // namespace

int main(int argc, char** argv) {
  const std::vector<workload> workloads{
      one("commands", bench::commands), one("hot", bench::hot),         one("sequential", bench::sequential),
      one("zipf", bench::zipf),         one("replay", bench::replay),   one("recover_many", bench::recover_many),
      one("memory", bench::memory),     one("cost", bench::cost),       {"chain", bench::chain},
      one("fanout", bench::fanout),     one("rebuild", bench::rebuild), one("rebuild_shared", bench::rebuild_shared),
      {"delivery", bench::delivery},    one("query", bench::query),     one("half_load", bench::half_load),
      {"orders", bench::orders},        {"peers", bench::peers, true},  {"volume", bench::volume}};
  std::vector<std::string> names{"all"};
  for (const auto& each : workloads) names.push_back(each.name);

  CLI::App app{
      "Measures Tyto beside what a careful engineer writes by hand. Runs in the current directory's file system.",
      "tyto_bench"};
  std::string chosen;
  settings how;
  bool relaxed = false;
  bool json = false;
  app.add_option("workload", chosen, "What to measure")->required()->check(CLI::IsMember(names));
  app.add_option("--seconds", how.seconds,
                 "How long a workload that has no end of its own runs, its reference included")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  app.add_option("--commands", how.commands, "How many commands `cost` sends, after those that start the aggregates")
      ->check(CLI::Range(1, 100'000'000))
      ->capture_default_str();
  app.add_option("--millions", how.millions, "How many million events `volume` writes")
      ->check(CLI::Range(2, 1'000))
      ->capture_default_str();
  app.add_flag("--relaxed", relaxed, "Measure with relaxed durability, the reference too");
  app.add_flag("--json", json, "Print JSON");
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& done) {
    return app.exit(done);
  } catch (const CLI::Error& wrong) {
    fmt::print(stderr, "tyto_bench: {}\nRun tyto_bench --help for more.\n", tyto::printable(wrong.what()));
    return 2;
  }
  if (!std::isfinite(how.seconds)) return app.exit(CLI::ValidationError("--seconds", "it is no number of seconds"));
  if (relaxed) how.durability = tyto::durability::relaxed;

  const signal_watch watch;
  std::vector<measurement> measured;
  try {
    for (const auto& each : workloads) {
      const bool left_out = chosen == "all" ? relaxed && each.synced_only : chosen != each.name;
      if (left_out) continue;
      for (auto& figure : each.measure(how)) {
        fmt::print(json ? stderr : stdout, "{}\n", bench::to_text(figure, how));  // progress, beside JSON
        measured.push_back(std::move(figure));
      }
    }
  } catch (const std::exception& failed) {
    fmt::print(stderr, "tyto_bench: {}\n", tyto::printable(failed.what()));
    return 1;
  }
  if (json) fmt::print("{}\n", bench::to_json(measured, how));
  return 0;
}

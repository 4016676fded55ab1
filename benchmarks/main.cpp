// tyto_bench: measures a workload, or all of them, each beside its reference in the same run.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <exception>
#include <map>
#include <string>
#include <vector>

#include "workloads.hpp"

int main(int argc, char** argv) {
  const std::vector<std::pair<std::string, bench::measurement (*)(const bench::settings&)>> workloads{
      {"commands", bench::commands}, {"hot", bench::hot},       {"sequential", bench::sequential},
      {"zipf", bench::zipf},         {"replay", bench::replay}, {"recover_many", bench::recover_many},
      {"memory", bench::memory}};
  std::vector<std::string> names{"all"};
  for (const auto& [name, measure] : workloads) names.push_back(name);

  CLI::App app{
      "Measures Tyto beside what a careful engineer writes by hand. Runs in the current directory's file system.",
      "tyto_bench"};
  std::string chosen;
  bench::settings how;
  bool relaxed = false;
  bool json = false;
  app.add_option("workload", chosen, "What to measure")->required()->check(CLI::IsMember(names));
  app.add_option("--seconds", how.seconds,
                 "How long a workload that has no end of its own runs, its reference included")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  app.add_flag("--relaxed", relaxed, "Measure with relaxed durability, the reference too");
  app.add_flag("--json", json, "Print JSON");
  CLI11_PARSE(app, argc, argv);
  if (relaxed) how.durability = tyto::durability::relaxed;

  std::vector<bench::measurement> measured;
  try {
    for (const auto& [name, measure] : workloads) {
      if (chosen != "all" && chosen != name) continue;
      measured.push_back(measure(how));
      if (!json) fmt::print("{}\n", bench::to_text(measured.back(), how));
    }
  } catch (const std::exception& failed) {
    fmt::print(stderr, "tyto_bench: {}\n", failed.what());
    return 1;
  }
  if (json) fmt::print("{}\n", bench::to_json(measured, how));
  return 0;
}

// Whether commands go on as fast with much history as with little: with few streams, and with many.
#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "child.hpp"
#include "drive.hpp"
#include "note.hpp"
#include "scratch.hpp"
#include "stamping_journal.hpp"
#include "tyto/runtime.hpp"
#include "workloads.hpp"

namespace bench {
namespace {

using seconds = std::chrono::duration<double>;
using steady = std::chrono::steady_clock;

constexpr std::uint64_t million = 1'000'000;
constexpr std::uint64_t bytes_each = 500;  // about 400 of them are used

void require_room(const std::filesystem::path& directory, std::uint64_t bytes) {
  const auto available = std::filesystem::space(directory).available;
  if (available >= bytes) return;
  constexpr std::uint64_t megabyte = 1'000'000;
  throw std::runtime_error(fmt::format("this workload writes up to {} MB, and the disk of {} has {} MB left",
                                       bytes / megabyte, directory.parent_path().string(), available / megabyte));
}

// What is measured of one number of streams.
struct figures {
  double first_million = 0;  // events/s
  double last_million = 0;
  double longest_commit_ms = 0;
};

figures run(const settings& how, std::uint64_t streams) {
  const scratch where;
  require_room(where.path(), how.millions * million * bytes_each);
  auto stores = where.open(how);
  const auto journal = std::make_shared<stamping_journal>(stores.journal);
  std::atomic<std::uint64_t> answered = 0;
  std::vector<steady::time_point> reached(how.millions + 1);  // when so many millions were answered
  sender commands{[&] {
    if (const auto count = ++answered; count % million == 0) reached.at(count / million) = steady::now();
  }};
  tyto::runtime_options options;
  options.max_live_aggregates = 2 * streams;
  tyto::runtime rt{{journal, stores.read_models, stores.snapshots}, options};
  rt.aggregate<note>().start().value();
  // The first million should not pay for bringing the aggregates into memory.
  for (std::uint64_t i = 0; i < streams; ++i) (void)rt.execute<note>(std::to_string(i), look{}).value();

  const auto pick = uniform(streams);
  reached[0] = steady::now();
  (void)journal->take_longest_ms();
  for (std::uint64_t i = 0; i < how.millions * million; ++i) commands.send(rt, pick());
  commands.finish(rt);
  const auto rate = [&](std::size_t nth) { return million / seconds(reached.at(nth) - reached.at(nth - 1)).count(); };
  return {rate(1), rate(how.millions), journal->take_longest_ms()};
}

}  // namespace

std::vector<measurement> volume(const settings& how) {
  std::vector<measurement> measured;
  for (const auto& [name, streams] : {std::pair{"volume", many_aggregates}, std::pair{"volume_many", million}}) {
    // In processes of their own: neither has the other's memory.
    const auto found = in_a_child(3, [&, count = streams] {
      const auto in = run(how, count);
      return std::vector{in.first_million, in.last_million, in.longest_commit_ms};
    });
    measured.push_back(
        {name, found[1], "events/s", found[0], fmt::format("the first million of {}", how.millions), ">= 0.95", {}});
    measured.push_back({fmt::format("{}_commit", name), found[2], "ms", 20, "ms, the longest commit", "<= 1", {}});
  }
  return measured;
}

}  // namespace bench

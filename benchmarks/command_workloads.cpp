// Workloads that send commands and wait for durable answers.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <random>
#include <semaphore>
#include <stdexcept>
#include <vector>

#include "lmdb_reference.hpp"
#include "note.hpp"
#include "scratch.hpp"
#include "tyto/runtime.hpp"
#include "workloads.hpp"

namespace bench {
namespace {

using seconds = std::chrono::duration<double>;
using steady = std::chrono::steady_clock;

constexpr std::ptrdiff_t in_flight = 2'000;
constexpr std::uint64_t many_aggregates = 10'000;
constexpr std::uint64_t zipf_aggregates = 100'000;

struct drive_result {
  double per_second = 0;
  std::size_t batch = 1;  // events per transaction, on average
};

// Sends commands to the aggregates that `pick` names, `in_flight` at a time, and counts durable answers.
drive_result drive(const settings& how, const std::function<std::uint64_t()>& pick) {
  const scratch where;
  const auto stores = where.open(how);
  std::counting_semaphore<in_flight> room{in_flight};
  std::atomic<std::uint64_t> failures = 0;
  tyto::runtime rt{stores};
  rt.aggregate<note>().start().value();

  std::uint64_t sent = 0;
  const auto start = steady::now();
  while (seconds(steady::now() - start).count() < how.seconds) {
    for (int i = 0; i < 64; ++i, ++sent) {
      room.acquire();
      rt.submit<note>(std::to_string(pick()), write_note{1}, {}, [&](const tyto::command_result& done) {
        if (!done) ++failures;
        room.release();
      });
    }
  }
  rt.settle(std::chrono::minutes{1}).value();
  const auto took = seconds(steady::now() - start).count();
  const auto commits = rt.status().commits;
  rt.stop().value();
  if (failures > 0) throw std::runtime_error("commands failed");
  return {static_cast<double>(sent) / took, std::max<std::size_t>(sent / std::max<std::uint64_t>(commits, 1), 1)};
}

drive_result drive_uniform(const settings& how, std::uint64_t aggregates) {
  std::mt19937_64 random{42};
  return drive(how, [&] { return random() % aggregates; });
}

latencies execute_one_by_one(const settings& how) {
  const scratch where;
  tyto::runtime rt{where.open(how)};
  rt.aggregate<note>().start().value();
  std::vector<double> all;
  const auto start = steady::now();
  while (seconds(steady::now() - start).count() < how.seconds) {
    const auto begin = steady::now();
    if (!rt.execute<note>("1", write_note{1})) throw std::runtime_error("a command failed");
    all.push_back(std::chrono::duration<double, std::micro>(steady::now() - begin).count());
  }
  return percentiles(std::move(all));
}

// Draws numbers from 0 to n - 1 with a probability that falls with their rank: 1, 1/2, 1/3, ...
class zipf_picker {
 public:
  explicit zipf_picker(std::uint64_t n) : sums_(n) {
    double sum = 0;
    for (std::uint64_t i = 0; i < n; ++i) sums_[i] = sum += 1.0 / static_cast<double>(i + 1);
  }
  std::uint64_t operator()() {
    const auto at = std::uniform_real_distribution<>{0, sums_.back()}(random_);
    return static_cast<std::uint64_t>(std::ranges::lower_bound(sums_, at) - sums_.begin());
  }

 private:
  std::vector<double> sums_;
  std::mt19937_64 random_{42};
};

// The time that a workload may take is shared between what is measured and its reference.
settings half(settings how) {
  how.seconds /= 2;
  return how;
}

}  // namespace

measurement commands(const settings& how) {
  const auto ours = drive_uniform(half(how), many_aggregates);
  const auto by_hand = lmdb_events_per_second(half(how), many_aggregates, ours.batch);
  return {"commands", ours.per_second, "commands/s", by_hand, "LMDB by hand, an index put per event", ">= 2.0", {}};
}

measurement hot(const settings& how) {
  const auto ours = drive_uniform(half(how), 1);
  const auto one_by_one = execute_one_by_one(half(how));
  return {"hot", ours.per_second, "commands/s", 1e6 / one_by_one.p50_us, "sequential", ">= 100", {}};
}

measurement sequential(const settings& how) {
  const auto ours = execute_one_by_one(half(how));
  const auto by_hand = lmdb_commit_latencies(half(how));
  return {"sequential", ours.p50_us, "us", by_hand.p50_us, "one synced LMDB transaction", "<= 1.3", ours};
}

measurement zipf(const settings& how) {
  zipf_picker pick{zipf_aggregates};
  const auto ours = drive(half(how), [&] { return pick(); });
  const auto even = drive_uniform(half(how), many_aggregates);
  return {"zipf", ours.per_second, "commands/s", even.per_second, "commands", ">= 0.7", {}};
}

}  // namespace bench

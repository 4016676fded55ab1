// Workloads that send commands and wait for durable answers.
#include <algorithm>
#include <chrono>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "drive.hpp"
#include "lmdb_reference.hpp"
#include "note.hpp"
#include "scratch.hpp"
#include "tyto/runtime.hpp"
#include "workloads.hpp"

namespace bench {
namespace {

using seconds = std::chrono::duration<double>;
using steady = std::chrono::steady_clock;

constexpr std::uint64_t zipf_aggregates = 100'000;

// One caller that waits for each answer before it sends the next command.
class one_by_one {
 public:
  explicit one_by_one(const settings& how) : rt_{where_.open(how)} { rt_.aggregate<note>().start().value(); }
  void execute() { (void)rt_.execute<note>("1", write_note{1}).value(); }

 private:
  scratch where_;
  tyto::runtime rt_;
};

// Takes the time of each `step`, in microseconds, for so many seconds.
void time_each(std::vector<double>& times, double seconds_to_run, const std::function<void()>& step) {
  const auto start = steady::now();
  while (seconds(steady::now() - start).count() < seconds_to_run) {
    const auto begin = steady::now();
    step();
    times.push_back(std::chrono::duration<double, std::micro>(steady::now() - begin).count());
  }
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

}  // namespace

measurement commands(const settings& how) {
  driver ours{how};
  lmdb_journal by_hand{how, many_aggregates};
  by_turns(how.seconds, {[&, pick = uniform(many_aggregates)](double s) { ours.run(s, pick); },
                         [&](double s) { by_hand.run(s, ours.batch()); }});
  return {"commands",
          ours.per_second(),
          "commands/s",
          by_hand.per_second(),
          "LMDB by hand, an index put per event",
          ">= 4.0",
          {}};
}

measurement hot(const settings& how) {
  driver ours{how};
  one_by_one caller{how};
  std::vector<double> waits;
  by_turns(how.seconds, {[&](double s) { ours.run(s, uniform(1)); },
                         [&](double s) { time_each(waits, s, [&] { caller.execute(); }); }});
  return {"hot", ours.per_second(), "commands/s", 1e6 / percentiles(std::move(waits)).p50_us, "sequential", ">= 300",
          {}};
}

measurement sequential(const settings& how) {
  one_by_one caller{how};
  lmdb_journal by_hand{how, 1};
  std::vector<double> ours;
  std::vector<double> reference;
  by_turns(how.seconds, {[&](double s) { time_each(ours, s, [&] { caller.execute(); }); },
                         [&](double s) { time_each(reference, s, [&] { by_hand.append(1); }); }});
  const auto waits = percentiles(std::move(ours));
  const auto commits = percentiles(std::move(reference));
  return {"sequential", waits.p50_us, "us", commits.p50_us, "one synced LMDB transaction", "<= 1.15", waits};
}

measurement zipf(const settings& how) {
  driver ours{how};
  driver even{how};
  by_turns(how.seconds,
           {[&, pick = std::function<std::uint64_t()>{zipf_picker{zipf_aggregates}}](double s) { ours.run(s, pick); },
            [&, pick = uniform(many_aggregates)](double s) { even.run(s, pick); }});
  return {"zipf", ours.per_second(), "commands/s", even.per_second(), "commands", ">= 0.9", {}};
}

}  // namespace bench

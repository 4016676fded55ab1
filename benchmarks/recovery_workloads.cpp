// Workloads that bring aggregates into memory.
#include <chrono>
#include <latch>
#include <semaphore>
#include <stdexcept>
#include <string>

#include "caf_reference.hpp"
#include "child.hpp"
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

// Returns events/s of the recovery of one stream that `rounds` events long, by the first command that it gets.
double replay_per_second(const tyto::storage& stores, std::uint64_t events) {
  tyto::runtime rt{stores};
  rt.aggregate<note>().start().value();
  const auto start = steady::now();
  const auto answer = rt.execute<note>("0", look{}, {});
  const auto took = seconds(steady::now() - start).count();
  if (!answer || answer->sequence_number != events) throw std::runtime_error("the stream was not recovered");
  return static_cast<double>(events) / took;
}

constexpr std::uint64_t long_stream = 1'000'000;

}  // namespace

measurement replay(const settings& how) {
  const scratch where;
  double ours = 0;
  {
    const auto stores = where.open(how);
    fill(*stores.journal, long_stream, round_robin(1));
    (void)replay_per_second(stores, long_stream);  // both sides find the pages in memory
    ours = replay_per_second(stores, long_stream);
  }
  const auto scan = lmdb_scan_per_second(where.path() / "tyto" / "journal");
  return {"replay", ours, "events/s", scan, "checksumming cursor scan", ">= 0.8", {}};
}

measurement recover_many(const settings& how) {
  constexpr std::uint64_t aggregates = 100'000;
  constexpr std::uint64_t events_each = 10;
  const scratch long_one;
  const auto long_stores = long_one.open(how);
  fill(*long_stores.journal, long_stream, round_robin(1));
  const auto one_stream = replay_per_second(long_stores, long_stream);

  const scratch where;
  const auto stores = where.open(how);
  fill(*stores.journal, aggregates * events_each, round_robin(aggregates));
  std::counting_semaphore<2'000> room{2'000};
  tyto::runtime rt{stores};
  rt.aggregate<note>().start().value();
  const auto start = steady::now();
  for (std::uint64_t i = 0; i < aggregates; ++i) {
    room.acquire();
    rt.submit<note>(std::to_string(i), look{}, {}, [&](const tyto::command_result&) { room.release(); });
  }
  rt.settle(std::chrono::minutes{1}).value();
  const auto took = seconds(steady::now() - start).count();
  return {"recover_many",
          static_cast<double>(aggregates * events_each) / took,
          "events/s",
          one_stream,
          "replay of one stream",
          ">= 0.6",
          {}};
}

measurement memory(const settings&) {
  constexpr std::size_t aggregates = 1'000'000;
  const auto empty_actor = in_a_child(1, [] { return std::vector{caf_actor_bytes(aggregates)}; })[0];
  const auto ours = in_a_child(1, [] {
    const scratch where;
    tyto::runtime_options options;
    options.max_live_aggregates = 2 * aggregates;
    tyto::runtime rt{where.open({}), options};
    rt.aggregate<note>().start().value();
    (void)rt.execute<note>("first", look{}).value();
    const auto before = resident_bytes();
    std::counting_semaphore<2'000> room{2'000};
    for (std::size_t i = 0; i < aggregates; ++i) {
      room.acquire();
      rt.submit<note>(std::to_string(i), look{}, {}, [&](const tyto::command_result&) { room.release(); });
    }
    rt.settle(std::chrono::minutes{1}).value();
    return std::vector{static_cast<double>(resident_bytes() - before) / static_cast<double>(aggregates)};
  })[0];
  return {"memory", ours, "bytes", empty_actor, "an empty CAF actor", "<= 1.0", {}};
}

}  // namespace bench

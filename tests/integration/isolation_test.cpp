// A consumer that hangs and one that always fails, beside healthy ones under load: nobody else waits, memory stays
// within its bounds, and the two miss nothing when they come round.
#include <algorithm>
#include <atomic>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "ledger.hpp"
#include "support/catch.hpp"
#include "support/temporary_directory.hpp"

using namespace tyto;
using namespace tyto::test;

namespace {

// Counts the objects of which it is a member, and how many there were at most.
class counted_instance {
 public:
  counted_instance() { add(); }
  counted_instance(const counted_instance&) { add(); }
  counted_instance& operator=(const counted_instance&) = default;
  ~counted_instance() { --live_; }

  static void begin_anew() { most_ = live_.load(); }
  static std::size_t most() { return most_; }

 private:
  static void add() {
    const auto now = ++live_;
    for (auto most = most_.load(); most < now && !most_.compare_exchange_weak(most, now);) continue;
  }
  static inline std::atomic<std::size_t> live_ = 0;
  static inline std::atomic<std::size_t> most_ = 0;
};

struct measured {
  std::uint64_t value = 0;
  counted_instance instance{};
};
TYTO_EVENT_NAME(measured, "sensor.measured")
// By hand, for an instance counts itself and is not stored.
template <class Inspector>
bool inspect(Inspector& f, measured& x) {
  return f.object(x).fields(f.field("value", x.value));
}

struct measure {
  std::uint64_t value = 0;
};

struct sensor {
  static constexpr std::string_view category = "sensor";
  using command = std::variant<measure>;
  using event = std::variant<measured>;
  struct state {};
  static decision<event> decide(const state&, const measure& c) { return measured{c.value}; }
  static state evolve(state s, const measured&) { return s; }
};

using positions = std::vector<std::uint64_t>;

struct healthy {
  static constexpr std::string_view name = "healthy";
  std::shared_ptr<positions> seen;
  void react(const measured&, const metadata& m) const { seen->push_back(m.position); }
};

struct hanging {
  static constexpr std::string_view name = "hanging";
  std::shared_ptr<positions> seen;
  std::shared_ptr<std::atomic<bool>> let_go;
  void react(const measured&, const metadata& m) const {
    let_go->wait(false);
    seen->push_back(m.position);
  }
};

struct failing {
  static constexpr std::string_view name = "failing";
  static constexpr failure_policy failures{.then = on_failure::retry};
  std::shared_ptr<positions> seen;
  std::shared_ptr<std::atomic<bool>> copes;
  void react(const measured&, const metadata& m) const {
    if (!*copes) throw std::runtime_error("as always");
    seen->push_back(m.position);
  }
};

struct totals {
  static constexpr std::string_view name = "totals";
  using table = tyto::table<std::string, std::uint64_t>;
  static void project(table& rows, const measured& e, const metadata& m) {
    rows.update(std::string{m.entity_id()}, [&](std::uint64_t& sum) { sum += e.value; });
  }
  struct of_all {};
  static std::uint64_t query(const table& rows, const of_all&) {
    std::uint64_t sum = 0;
    rows.for_each([&](const std::string&, std::uint64_t total) { sum += total; });
    return sum;
  }
};

constexpr std::uint64_t events_sent = 20'000;
constexpr std::uint64_t sensors = 50;

runtime_options small_queues() {
  auto options = quiet();
  options.max_commands_in_flight = 64;
  options.max_commit_events = 64;
  options.max_recent_events = 256;
  options.max_consumer_batch = 64;
  return options;
}

// What may be in memory: the recent events with the last transaction's, for each consumer the batch in hand, which ends
// with a transaction, and the next one in its mailbox, and for each command in flight its decision and what is stored.
constexpr std::size_t most_instances(std::size_t consumers) {
  constexpr std::size_t recent = 256 + 64;
  constexpr std::size_t in_hand = 2 * (64 + 64);
  return recent + consumers * in_hand + 4 * 64;
}

void send_all(runtime& rt) {
  std::atomic<std::uint64_t> done = 0;
  command_options patient;
  patient.overflow = when_full::wait;
  patient.timeout = long_enough;
  for (std::uint64_t i = 0; i < events_sent; ++i) {
    rt.submit<sensor>(std::to_string(i % sensors), measure{i}, patient, [&](const command_result& outcome) {
      if (outcome) ++done;
      if (done == events_sent) done.notify_one();
    });
  }
  const auto limit = std::chrono::steady_clock::now() + long_enough;
  while (done < events_sent) {
    REQUIRE(std::chrono::steady_clock::now() < limit);
    std::this_thread::yield();
  }
}

consumer_status status_of(const runtime& rt, std::string_view name) {
  const auto consumers = rt.status().consumers;
  return *std::ranges::find_if(consumers, [&](const auto& each) { return each.name.starts_with(name); });
}

void wait_until_at(const runtime& rt, std::string_view name, std::uint64_t position) {
  const auto limit = std::chrono::steady_clock::now() + long_enough;
  while (status_of(rt, name).position < position) {
    REQUIRE(std::chrono::steady_clock::now() < limit);
    std::this_thread::yield();
  }
}

}  // namespace

TEST_CASE("A hanging and a failing consumer delay nobody, cost no memory, and miss nothing in the end") {
  const temporary_directory directory;
  const auto seen_by_healthy = std::make_shared<positions>();
  const auto seen_by_hanging = std::make_shared<positions>();
  const auto seen_by_failing = std::make_shared<positions>();
  const auto let_go = std::make_shared<std::atomic<bool>>(false);
  const auto copes = std::make_shared<std::atomic<bool>>(false);
  std::atomic<std::uint64_t> heard = 0;

  runtime rt{open_lmdb({.path = directory.path()}).value(), small_queues()};
  rt.aggregate<sensor>().projection<totals>().reaction(healthy{seen_by_healthy});
  rt.reaction(hanging{seen_by_hanging, let_go}).reaction(failing{seen_by_failing, copes});
  rt.subscribe<measured>([&](const measured&, const metadata&) { ++heard; });
  rt.start().value();
  counted_instance::begin_anew();
  send_all(rt);

  wait_until_at(rt, "healthy", events_sent);
  wait_until_at(rt, "subscription", events_sent);
  CHECK(rt.query<totals>({}, {events_sent, long_enough}).value() == events_sent * (events_sent - 1) / 2);
  CHECK(heard == events_sent);
  positions all(events_sent);
  std::iota(all.begin(), all.end(), 1);
  CHECK((*seen_by_healthy == all));
  CHECK(status_of(rt, "healthy").failures == 0);
  CHECK(status_of(rt, "totals").failures == 0);

  CHECK(status_of(rt, "hanging").position == 0);
  CHECK(status_of(rt, "failing").position == 0);
  CHECK(status_of(rt, "failing").failures > 0);
  CHECK(counted_instance::most() <= most_instances(5));
  static_assert(most_instances(5) < events_sent / 8);

  *copes = true;
  *let_go = true;
  let_go->notify_all();
  rt.settle(long_enough).value();
  CHECK((*seen_by_hanging == all));
  CHECK((*seen_by_failing == all));
  CHECK(counted_instance::most() <= most_instances(5));
}

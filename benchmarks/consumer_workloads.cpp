// Workloads of what comes behind the journal: consumers, read models, queries.
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <latch>
#include <memory>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "caf_reference.hpp"
#include "drive.hpp"
#include "lmdb_reference.hpp"
#include "note.hpp"
#include "scratch.hpp"
#include "stamping_journal.hpp"
#include "tyto/runtime.hpp"
#include "workloads.hpp"

namespace bench {

struct note_row {
  std::uint64_t events = 0;
  std::int64_t sum = 0;
};
TYTO_VALUE(note_row, events, sum)

namespace {

using seconds = std::chrono::duration<double>;
using steady = std::chrono::steady_clock;

constexpr std::uint64_t keys = 100'000;

struct note_rows {
  static constexpr std::string_view name = "note_rows";
  using table = tyto::table<std::string, note_row>;
  static void project(table& rows, const noted& e, const tyto::metadata& m) {
    rows.update(std::string{m.entity_id()}, [&](note_row& row) {
      ++row.events;
      row.sum += e.number;
    });
  }
  struct of {
    std::string entity;
  };
  static std::uint64_t query(const table& rows, const of& q) { return rows.get(q.entity).value_or(note_row{}).events; }
};

// The same with something to compute for each event, which takes some 25 us: by one thread, and shared by two.
struct computed_note_rows : note_rows {
  static constexpr std::string_view name = "computed_note_rows";
  static void project(table& rows, const noted& e, const tyto::metadata& m) {
    auto number = static_cast<std::uint64_t>(e.number);
    for (int i = 0; i < 20'000; ++i) number = (number ^ (number >> 33)) * 0xff51afd7ed558ccd;
    note_rows::project(rows, {static_cast<std::int64_t>(number), {}}, m);
  }
};
struct shared_note_rows : computed_note_rows {
  static constexpr std::size_t partitions = 2;
};

// Returns events/s of the projection P, which begins with empty rows.
template <class P>
double rebuild_per_second(const settings& how, const tyto::storage& stores, std::uint64_t events) {
  const scratch rows;
  const auto empty = rows.open(how);
  tyto::runtime rt{{stores.journal, empty.read_models, empty.snapshots}};
  rt.projection<P>();
  const auto start = steady::now();
  rt.start().value();
  rt.settle(std::chrono::minutes{1}).value();
  const auto took = seconds(steady::now() - start).count();
  if (rt.status().consumers.at(0).position != events) throw std::runtime_error("the read model was not rebuilt");
  return static_cast<double>(events) / took;
}

double microseconds(steady::duration took) { return std::chrono::duration<double, std::micro>(took).count(); }

// One command at a time, and when its event reaches a subscription's handler.
class delivered_one_by_one {
 public:
  delivered_one_by_one(const settings& how, tyto::subscription_options options)
      : stores_(where_.open(how)),
        journal_(std::make_shared<stamping_journal>(stores_.journal)),
        rt_{{journal_, stores_.read_models, stores_.snapshots}} {
    rt_.aggregate<note>();
    rt_.subscribe<noted>(
        [this](const noted&, const tyto::metadata&) {
          took_us_ = microseconds(steady::now() - journal_->durable_at());
          arrived_.release();
        },
        options);
    rt_.start().value();
  }

  double execute() {
    (void)rt_.execute<note>("1", write_note{1}).value();
    arrived_.acquire();
    return took_us_;
  }

 private:
  scratch where_;
  tyto::storage stores_;
  std::shared_ptr<stamping_journal> journal_;
  double took_us_ = 0;
  std::binary_semaphore arrived_{0};
  tyto::runtime rt_;
};

// How often two threads at once can `ask` for one of the keys.
class asking {
 public:
  explicit asking(std::function<bool(const std::string& key)> ask) : ask_(std::move(ask)) {}

  void run(double seconds_to_run) {
    const auto start = steady::now();
    std::array<std::uint64_t, 2> asked{};
    {
      std::array<std::jthread, 2> threads;
      for (std::size_t i = 0; i < threads.size(); ++i) {
        threads.at(i) = std::jthread{[&, i, pick = uniform(keys)] {
          for (; seconds(steady::now() - start).count() < seconds_to_run; ++asked.at(i)) {
            if (!ask_(std::to_string(pick()))) failed_ = true;
          }
        }};
      }
    }
    if (failed_) throw std::runtime_error("a row was not found");
    asked_ += asked[0] + asked[1];
    took_s_ += seconds(steady::now() - start).count();
  }

  [[nodiscard]] double per_second() const { return static_cast<double>(asked_) / took_s_; }

 private:
  const std::function<bool(const std::string& key)> ask_;
  std::atomic<bool> failed_ = false;
  std::uint64_t asked_ = 0;
  double took_s_ = 0;
};

}  // namespace

measurement fanout(const settings& how) {
  constexpr int consumers = 16;
  std::array<std::atomic<std::uint64_t>, consumers> counts{};
  driver with_consumers{how, [&](tyto::runtime& rt) {
                          for (auto& count : counts) {
                            rt.subscribe<noted>([&count](const noted&, const tyto::metadata&) { ++count; });
                          }
                        }};
  driver alone{how};
  by_turns(how.seconds, {[&, pick = uniform(many_aggregates)](double s) { with_consumers.run(s, pick); },
                         [&, pick = uniform(many_aggregates)](double s) { alone.run(s, pick); }});
  for (const auto& count : counts) {
    if (count != with_consumers.events()) throw std::runtime_error("a consumer has not seen every event");
  }
  return {"fanout", with_consumers.per_second(), "commands/s", alone.per_second(), "commands", ">= 0.8", {}};
}

measurement rebuild(const settings& how) {
  constexpr std::uint64_t events = 1'000'000;
  const auto batch = tyto::runtime_options{}.max_consumer_batch;
  const scratch where;
  fill(*where.open(how).journal, events, uniform(keys));
  // Times per event add up, rates do not.
  double ours_s = 0;
  double by_hand_s = 0;
  double turns = 0;
  const auto start = steady::now();
  do {
    ++turns;
    ours_s += 1 / rebuild_per_second<note_rows>(how, where.open(how), events);
    by_hand_s += 1 / lmdb_rows{}.rebuild(where.path() / "tyto" / "journal", batch, uniform(keys));
  } while (seconds(steady::now() - start).count() < how.seconds);
  return {"rebuild", turns / ours_s, "events/s", turns / by_hand_s, "LMDB by hand, the same reads and puts", ">= 0.9",
          {}};
}

measurement rebuild_shared(const settings& how) {
  constexpr std::uint64_t events = 200'000;
  const scratch where;
  fill(*where.open(how).journal, events, uniform(keys));
  double shared_s = 0;
  double alone_s = 0;
  double turns = 0;
  const auto start = steady::now();
  do {
    ++turns;
    shared_s += 1 / rebuild_per_second<shared_note_rows>(how, where.open(how), events);
    alone_s += 1 / rebuild_per_second<computed_note_rows>(how, where.open(how), events);
  } while (seconds(steady::now() - start).count() < how.seconds);
  return {"rebuild_shared", turns / shared_s, "events/s", turns / alone_s, "the same by one thread", ">= 1.5", {}};
}

std::vector<measurement> delivery(const settings& how) {
  delivered_one_by_one ours{how, {}};
  delivered_one_by_one ours_awake{how, {.busy_wait = std::chrono::milliseconds{5}}};
  delivered_one_by_one ours_quick{how, {.never_blocks = true}};
  lmdb_journal by_hand{how, 1};
  caf_pair pair;
  std::vector<double> deliveries;
  std::vector<double> deliveries_awake;
  std::vector<double> deliveries_quick;
  std::vector<double> commits;
  std::vector<double> messages;
  const auto for_seconds = [](double s, const std::function<void()>& step) {
    const auto start = steady::now();
    while (seconds(steady::now() - start).count() < s) step();
  };
  // The message has its commit too, so that its receiver has slept as long.
  by_turns(how.seconds, {[&](double s) { for_seconds(s, [&] { deliveries.push_back(ours.execute()); }); },
                         [&](double s) { for_seconds(s, [&] { deliveries_awake.push_back(ours_awake.execute()); }); },
                         [&](double s) { for_seconds(s, [&] { deliveries_quick.push_back(ours_quick.execute()); }); },
                         [&](double s) {
                           for_seconds(s, [&] {
                             const auto begin = steady::now();
                             by_hand.append(1);
                             commits.push_back(microseconds(steady::now() - begin));
                             messages.push_back(pair.send_one());
                           });
                         }});
  const auto delivered = percentiles(std::move(deliveries));
  const auto delivered_awake = percentiles(std::move(deliveries_awake));
  const auto delivered_quick = percentiles(std::move(deliveries_quick));
  const auto committed = percentiles(std::move(commits));
  const auto sent = percentiles(std::move(messages));
  constexpr auto transaction = "one synced LMDB transaction";
  constexpr auto message = "a message between two CAF actors";
  return {{"delivery", delivered.p50_us, "us", committed.p50_us, transaction, "<= 0.05", delivered},
          {"delivery_busy", delivered_awake.p50_us, "us", committed.p50_us, transaction, "<= 0.05", delivered_awake},
          {"delivery_caf", delivered.p50_us, "us", sent.p50_us, message, "<= 2.0", delivered},
          {"delivery_quick", delivered_quick.p50_us, "us", sent.p50_us, message, "<= 0.1", delivered_quick}};
}

measurement query(const settings& how) {
  const scratch where;
  const auto stores = where.open(how);
  fill(*stores.journal, keys, round_robin(keys));
  lmdb_rows by_hand;
  by_hand.fill(keys);

  sender commands;
  tyto::runtime rt{stores};
  rt.aggregate<note>().projection<note_rows>().start().value();
  rt.settle(std::chrono::minutes{1}).value();
  asking ours{[&](const std::string& key) { return rt.query<note_rows>({key}).value() > 0; }};
  asking raw{[&](const std::string& key) { return by_hand.get(key) > 0; }};
  {
    const std::jthread load{[&, pick = uniform(many_aggregates)](const std::stop_token& enough) {
      while (!enough.stop_requested()) commands.send(rt, pick());
    }};
    by_turns(how.seconds, {[&](double s) { ours.run(s); }, [&](double s) { raw.run(s); }});
  }
  commands.finish(rt);
  return {"query", ours.per_second(), "queries/s", raw.per_second(), "an LMDB read transaction and get each", ">= 0.6",
          {}};
}

}  // namespace bench

#include <algorithm>
#include <atomic>
#include <future>
#include <latch>
#include <stdexcept>
#include <thread>
#include <vector>

#include "ledger.hpp"
#include "support/catch.hpp"
#include "support/temporary_directory.hpp"

using namespace tyto;
using namespace tyto::test;

TEST_CASE("A debit leads to a receipt, through a reaction, and the read model shows it") {
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>().aggregate<receipts>().reaction<printing>().projection<turnover>().start().value();
  (void)rt.execute<account>("ann", credit{100}).value();
  (void)rt.execute<account>("ann", debit{30}).value();
  rt.settle(long_enough).value();
  const auto row = rt.query<turnover>({"ann"}).value();
  CHECK(row.credited == 100);
  CHECK(row.receipts == 30);
  CHECK(rt.status().head == 3);
}

TEST_CASE("A query that waits for a command's position sees its effect") {
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>().projection<turnover>().start().value();
  for (int i = 1; i <= 100; ++i) {
    const auto done = rt.execute<account>("ann", credit{1});
    REQUIRE(done);
    REQUIRE(rt.query<turnover>({"ann"}, {done->position}).value().credited == i);
  }
}

TEST_CASE("A query says how far behind its projection is when it cannot wait longer") {
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>().projection<turnover>().start().value();
  auto late = rt.query<turnover>({"ann"}, {.at_least = 7, .timeout = std::chrono::milliseconds{1}});
  REQUIRE_FALSE(late);
  CHECK(late.error().code() == errc::timeout);
  CHECK_THAT(late.error().message(), Catch::Contains("7 events behind"));
}

TEST_CASE("A rejection reaches the caller as the domain said it") {
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>().start().value();
  const auto refused = rt.execute<account>("ann", debit{1});
  REQUIRE_FALSE(refused);
  REQUIRE(refused.error().rejected());
  CHECK(refused.error().rejected()->reason == "only 0 cents are left");
}

TEST_CASE("Every handler that subscribes to an event gets each one, in order") {
  std::vector<std::int64_t> first;
  std::vector<std::int64_t> second;
  std::vector<std::int64_t> later;
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>();
  rt.subscribe<credited>([&](const credited& e, const metadata&) { first.push_back(e.cents); });
  rt.subscribe<credited>([&](const credited& e, const metadata&) { second.push_back(e.cents); });
  rt.start().value();
  for (int i = 0; i < 50; ++i) (void)rt.execute<account>("ann", credit{i}).value();
  rt.subscribe<credited>([&](const credited& e, const metadata&) { later.push_back(e.cents); });
  (void)rt.execute<account>("ann", credit{50}).value();
  rt.settle(long_enough).value();
  rt.stop().value();
  CHECK(first.size() == 51);
  CHECK(std::is_sorted(first.begin(), first.end()));
  CHECK(second == first);
  CHECK(later == std::vector<std::int64_t>{50});
}

TEST_CASE("A consumer that blocks delays nobody") {
  std::latch release{1};
  std::atomic<int> slow_seen = 0;
  std::atomic<int> seen = 0;
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>().projection<turnover>();
  rt.subscribe<credited>([&](const credited&, const metadata&) {
    release.wait();
    ++slow_seen;
  });
  rt.subscribe<credited>([&](const credited&, const metadata&) { ++seen; });
  rt.start().value();
  std::uint64_t last = 0;
  for (int i = 0; i < 100; ++i) last = rt.execute<account>("ann", credit{1}).value().position;
  CHECK(rt.query<turnover>({"ann"}, {last}).value().credited == 100);
  CHECK(slow_seen == 0);
  release.count_down();
  rt.settle(long_enough).value();
  CHECK(slow_seen == 100);
  CHECK(seen == 100);
}

TEST_CASE("A handler that never blocks is called by the thread that has stored the event") {
  std::vector<std::int64_t> seen;
  std::thread::id called_on;
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>();
  rt.start().value();
  rt.subscribe<credited>(
      [&](const credited& e, const metadata&) {
        seen.push_back(e.cents);
        called_on = std::this_thread::get_id();
      },
      {.never_blocks = true});
  std::vector<std::int64_t> expected;
  // Until all on the way is idle when the command comes.
  while (called_on != std::this_thread::get_id()) {
    expected.push_back(static_cast<std::int64_t>(expected.size()));
    (void)rt.execute<account>("ann", credit{expected.back()}).value();
    rt.settle(long_enough).value();
  }
  CHECK(seen == expected);
}

TEST_CASE("A handler that never blocks may submit commands, and cannot execute them") {
  std::optional<command_result> executed;
  std::promise<bool> submitted;
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>();
  rt.subscribe<credited>(
      [&](const credited& e, const metadata&) {
        if (e.cents != 1) return;
        executed.emplace(rt.execute<account>("bob", credit{2}));
        rt.submit<account>("bob", credit{3}, {}, [&](const command_result& done) { submitted.set_value(bool{done}); });
      },
      {.never_blocks = true});
  rt.start().value();
  (void)rt.execute<account>("ann", credit{1}).value();
  auto answer = submitted.get_future();
  REQUIRE(answer.wait_for(long_enough) == std::future_status::ready);
  CHECK(answer.get());
  rt.settle(long_enough).value();
  REQUIRE(executed);
  REQUIRE_FALSE(*executed);
  REQUIRE(executed->error().failed());
  CHECK(executed->error().failed()->code() == errc::invalid_argument);
  CHECK_THAT(executed->error().message(), Catch::Contains("submit()"));
}

TEST_CASE("Many callers and handlers that never block share threads, and a stop in the middle answers all") {
  constexpr int callers = 4;
  std::atomic<std::int64_t> answered = 0;
  std::atomic<std::int64_t> seen = 0;
  std::atomic<std::int64_t> followed = 0;
  std::atomic<int> throws_left = 3;
  std::mutex errors_mutex;
  std::vector<command_failure> errors;
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>();
  std::latch both_handled{2};
  rt.subscribe<credited>(
      [&](const credited& e, const metadata&) {
        if (throws_left-- > 0) throw std::runtime_error("not yet");
        if (seen.fetch_add(e.cents) == 0) both_handled.count_down();
      },
      {.never_blocks = true});
  rt.subscribe<credited>(
      [&](const credited& e, const metadata&) {
        if (e.cents != 1) return;
        rt.submit<account>("other", credit{2}, {}, [&](const command_result& done) {
          if (done && followed++ == 0) both_handled.count_down();
        });
      },
      {.never_blocks = true});
  rt.start().value();
  std::latch all_under_way{callers};
  {
    std::vector<std::jthread> threads;
    for (int caller = 0; caller < callers; ++caller) {
      threads.emplace_back([&, name = std::to_string(caller % 2)] {
        for (int i = 0;; ++i) {
          if (i == 100) all_under_way.count_down();
          auto done = rt.execute<account>(name, credit{1});
          if (done) {
            ++answered;
            continue;
          }
          const std::lock_guard lock{errors_mutex};
          errors.push_back(done.error());
          return;
        }
      });
    }
    all_under_way.wait();
    both_handled.wait();
    rt.stop().value();
  }
  CHECK(answered >= callers * 100);
  CHECK(followed <= answered);
  CHECK(errors.size() == callers);
  for (const auto& each : errors) CHECK((each.failed() != nullptr && each.failed()->code() == errc::stopped));
}

TEST_CASE("A handler that throws is called again until it succeeds, and misses nothing") {
  std::atomic<int> failures_left = 3;
  std::vector<std::int64_t> seen;
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>();
  rt.subscribe<credited>([&](const credited& e, const metadata&) {
    if (e.cents == 2 && failures_left-- > 0) throw std::runtime_error("not yet");
    seen.push_back(e.cents);
  });
  rt.start().value();
  for (int i = 0; i < 5; ++i) (void)rt.execute<account>("ann", credit{i}).value();
  rt.settle(long_enough).value();
  const auto status = rt.status().consumers.at(0);
  rt.stop().value();
  CHECK(status.failures == 3);
  CHECK_THAT(status.last_error, Catch::Contains("not yet") && Catch::Contains("account.credited"));
  // What came with the failed event in one batch may come again; the order and the end hold.
  CHECK(seen.back() == 4);
  CHECK(std::count(seen.begin(), seen.end(), 2) == 1);
}

TEST_CASE("Stopping answers every command that was taken") {
  std::atomic<int> answered = 0;
  std::atomic<int> committed = 0;
  auto stores = open_memory();
  {
    runtime rt{stores, quiet()};
    rt.aggregate<account>().start().value();
    for (int i = 0; i < 5'000; ++i) {
      rt.submit<account>(std::to_string(i % 100), credit{1}, {}, [&](const command_result& outcome) {
        ++answered;
        if (outcome) ++committed;
      });
    }
    rt.stop().value();
    CHECK(answered == 5'000);
    CHECK(committed == 5'000);
    const auto late = rt.execute<account>("ann", credit{1});
    REQUIRE_FALSE(late);
    CHECK(late.error().failed()->code() == errc::stopped);
  }
  CHECK(stores.journal->head().value() == 5'000);
}

TEST_CASE("More commands than may be in flight are refused, not queued") {
  auto options = quiet();
  options.max_commands_in_flight = 1;
  runtime rt{open_memory(), options};
  std::promise<void> entered;
  std::promise<void> leave;
  rt.aggregate<account>().start().value();
  // The callback holds its command in flight until the test lets it go.
  rt.submit<account>("ann", credit{1}, {}, [&entered, may_leave = leave.get_future().share()](const command_result&) {
    entered.set_value();
    may_leave.wait();
  });
  entered.get_future().wait();
  const auto refused = rt.execute<account>("bob", credit{1});
  leave.set_value();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().failed()->code() == errc::overloaded);
  rt.settle(long_enough).value();
  CHECK(rt.execute<account>("bob", credit{1}));
}

TEST_CASE("A caller may wait for room instead") {
  auto options = quiet();
  options.max_commands_in_flight = 2;
  runtime rt{open_memory(), options};
  rt.aggregate<account>().start().value();
  command_options patient;
  patient.overflow = when_full::wait;
  std::vector<std::jthread> callers;
  std::atomic<int> answered = 0;
  for (int caller = 0; caller < 8; ++caller) {
    callers.emplace_back([&] {
      for (int i = 0; i < 100; ++i) answered += rt.execute<account>("ann", credit{1}, patient) ? 1 : 0;
    });
  }
  callers.clear();
  CHECK(answered == 800);
}

TEST_CASE("A caller that waits for room longer than its timeout is refused") {
  auto options = quiet();
  options.max_commands_in_flight = 1;
  runtime rt{open_memory(), options};
  std::promise<void> leave;
  std::promise<void> entered;
  rt.aggregate<account>().start().value();
  rt.submit<account>("ann", credit{1}, {}, [&entered, may_leave = leave.get_future().share()](const command_result&) {
    entered.set_value();
    may_leave.wait();
  });
  entered.get_future().wait();
  command_options hasty;
  hasty.overflow = when_full::wait;
  hasty.timeout = std::chrono::milliseconds{1};
  CHECK(rt.execute<account>("bob", credit{1}, hasty).error().failed()->code() == errc::overloaded);
  leave.set_value();
}

TEST_CASE("Few live aggregates serve many, each as if it had never left") {
  auto options = quiet();
  options.max_live_aggregates = 64;
  runtime rt{open_memory(), options};
  rt.aggregate<account>().start().value();
  std::atomic<int> right = 0;
  for (std::uint64_t round = 1; round <= 3; ++round) {
    for (int i = 0; i < 1'000; ++i) {
      rt.submit<account>(std::to_string(i), credit{1}, {}, [&right, round](const command_result& done) {
        if (done && done->sequence_number == round) ++right;
      });
    }
  }
  rt.settle(long_enough).value();
  CHECK(right == 3'000);
  // While all had commands in hand none could leave; now they can.
  for (int i = 0; i < 1'000; ++i) REQUIRE(rt.execute<account>(std::to_string(i), credit{1})->sequence_number == 4);
  CHECK(rt.status().live_aggregates < 200);
}

TEST_CASE("A runtime may be started, used and ended by different threads, which all live on") {
  auto rt = std::make_unique<runtime>(open_memory(), quiet());
  rt->aggregate<account>().start().value();
  std::latch is_used{1};
  std::latch is_over{1};
  std::jthread user{[&] {
    (void)rt->execute<account>("ann", credit{1}).value();
    is_used.count_down();
    is_over.wait();
  }};
  is_used.wait();
  std::jthread{[&rt] { rt.reset(); }}.join();
  CHECK(rt == nullptr);
  is_over.count_down();
}

TEST_CASE("Looking at a runtime while another thread stops it is safe") {
  for (int round = 0; round < 20; ++round) {
    runtime rt{open_memory(), quiet()};
    rt.aggregate<account>().projection<turnover>().start().value();
    for (int i = 0; i < 50; ++i) rt.submit<account>("ann", credit{1}, {}, [](const command_result&) {});
    std::jthread looker{[&] {
      while (rt.settle(long_enough)) (void)rt.status();
    }};
    rt.stop().value();
  }
}

TEST_CASE("What users' code throws in a callback or a log ends nothing") {
  auto options = quiet();
  options.log = [](std::string_view) { throw std::runtime_error("the log threw"); };
  runtime rt{open_memory(), options};
  rt.aggregate<account>().start().value();
  rt.submit<account>("ann", credit{1}, {}, [](const command_result&) { throw std::runtime_error("thrown"); });
  CHECK(rt.execute<account>("ann", credit{1}));
}

TEST_CASE("A source of ids that throws fails its command alone, and the runtime stops") {
  struct no_ids final : id_source {
    [[nodiscard]] std::string next() const override { throw std::runtime_error("there are no ids"); }
  };
  auto options = quiet();
  options.ids = std::make_shared<no_ids>();
  runtime rt{open_memory(), options};
  rt.aggregate<account>().start().value();
  const auto executed = rt.execute<account>("ann", credit{1});
  REQUIRE_FALSE(executed);
  CHECK(executed.error().failed()->code() == errc::handler_failed);
  CHECK_THAT(executed.error().message(), Catch::Contains("there are no ids"));
  CHECK_FALSE(rt.submit<account>("ann", credit{1}).get());
  CHECK(rt.execute<account>("ann", credit{1}, with_id("1")));  // it needs none
  CHECK(rt.status().commands_in_flight == 0);
  CHECK(rt.stop());
}

TEST_CASE("A line of the log is one printable line, whatever was thrown") {
  auto options = quiet();
  std::mutex mutex;
  std::vector<std::string> lines;
  options.log = [&](std::string_view line) {
    const std::lock_guard lock{mutex};
    lines.emplace_back(line);
  };
  runtime rt{open_memory(), options};
  rt.aggregate<account>().start().value();
  rt.submit<account>("ann", credit{1}, {},
                     [](const command_result&) { throw std::runtime_error("\x1b[2J\ntyto: forged \xff"); });
  rt.stop().value();
  CHECK(lines == std::vector<std::string>{R"(calling back with a command's answer: \x1b[2J\ntyto: forged \xff)"});
}

TEST_CASE("A timeout without end is none that has passed") {
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>().projection<turnover>().start().value();
  command_options patient;
  patient.timeout = std::chrono::milliseconds::max();
  const auto done = rt.execute<account>("ann", credit{1}, patient);
  REQUIRE(done);
  CHECK(rt.query<turnover>({"ann"}, {done->position, std::chrono::milliseconds::max()}).value().credited == 1);
  CHECK(rt.settle(std::chrono::milliseconds::max()));
}

TEST_CASE("Callers on many threads get each their own answer") {
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>().projection<turnover>().start().value();
  std::vector<std::jthread> callers;
  std::atomic<int> right = 0;
  for (int caller = 0; caller < 8; ++caller) {
    callers.emplace_back([&, caller] {
      for (std::uint64_t i = 1; i <= 200; ++i) {
        const auto done = rt.execute<account>("caller" + std::to_string(caller), credit{1});
        if (done && done->sequence_number == i) ++right;
      }
    });
  }
  callers.clear();
  CHECK(right == 1'600);
  rt.settle(long_enough).value();
  CHECK(rt.query<turnover>({"caller3"}).value().credited == 200);
}

namespace {

struct other_account : account {};

struct other_printing : printing {};

struct impostor_event {
  int x = 0;
};
TYTO_EVENT(impostor_event, "account.credited", x)
struct impostor {
  static constexpr std::string_view category = "impostor";
  using command = std::variant<credit>;
  using event = std::variant<impostor_event>;
  struct state {};
  static decision<event> decide(const state&, const credit&) { return nothing; }
  static state evolve(state s, const impostor_event&) { return s; }
};

std::string start_error(runtime& rt) {
  auto started = rt.start();
  return started ? "started" : started.error().message();
}

}  // namespace

TEST_CASE("A domain that does not fit together is refused at the start") {
  runtime rt{open_memory(), quiet()};
  SECTION("two aggregates of one category") {
    rt.aggregate<account>().aggregate<other_account>();
    CHECK_THAT(start_error(rt), Catch::Contains("two aggregates have the category 'account'"));
  }
  SECTION("two consumers of one name") {
    rt.reaction<printing>().reaction<other_printing>();
    CHECK_THAT(start_error(rt), Catch::Contains("two consumers have the name 'printing'"));
  }
  SECTION("a limit of nothing") {
    auto options = quiet();
    options.max_consumer_batch = 0;
    runtime limited{open_memory(), options};
    CHECK_THAT(start_error(limited), Catch::Contains("max_consumer_batch is 0"));
  }
  SECTION("something registered after the start") {
    REQUIRE(rt.start());
    CHECK_THROWS_AS(rt.reaction<printing>(), std::logic_error);
  }
  SECTION("one stored name for two types of events") {
    rt.aggregate<account>().aggregate<impostor>();
    CHECK_THAT(start_error(rt), Catch::Contains("two event types have the stored name 'account.credited'"));
  }
}

TEST_CASE("A command that cannot be addressed is an error that says why") {
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>().start().value();
  CHECK_THAT(rt.execute<receipts>("ann", print_receipt{1}).error().message(), Catch::Contains("no such aggregate"));
  CHECK_THAT(rt.execute<account>("", credit{1}).error().message(), Catch::Contains("neither part empty"));
  CHECK_THAT(rt.execute<account>(std::string(500, 'x'), credit{1}).error().message(), Catch::Contains("limit is 400"));
  CHECK_THAT(rt.execute<account>("ann", credit{1}, with_id(std::string(300, 'x'))).error().message(),
             Catch::Contains("limit is 255"));
  command_options tagged;
  tagged.tags = {std::string(70'000, 'x')};
  CHECK_THAT(rt.execute<account>("ann", credit{1}, tagged).error().message(), Catch::Contains("limit is 255"));
}

TEST_CASE("A runtime that was not started refuses commands and queries") {
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>().projection<turnover>();
  CHECK(rt.execute<account>("ann", credit{1}).error().failed()->code() == errc::stopped);
  CHECK_FALSE(rt.query<turnover>({"ann"}));
  CHECK(rt.stop());
}

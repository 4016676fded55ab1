// The read side of a running runtime: indexes in queries, questions to several projections, live queries, new versions
// of projections, and waiting until all have caught up.
#include <algorithm>
#include <atomic>
#include <future>
#include <stdexcept>
#include <thread>
#include <vector>

#include "ledger.hpp"
#include "notes.hpp"
#include "support/catch.hpp"
#include "support/temporary_directory.hpp"

using namespace tyto;
using namespace tyto::test;

namespace {

// Holds up who passes it while it is closed.
class gate {
 public:
  void close() { closed_ = true; }
  void open() {
    closed_ = false;
    closed_.notify_all();
  }
  void pass() const { closed_.wait(true); }

 private:
  std::atomic<bool> closed_ = false;
};

// Closes a gate for a while.
class closing {
 public:
  explicit closing(gate& held) : held_(held) { held_.close(); }
  closing(const closing&) = delete;
  closing& operator=(const closing&) = delete;
  ~closing() { held_.open(); }

 private:
  gate& held_;
};

struct total {
  bool operator==(const total&) const = default;
};

// The sum of all credits; held up by its gate.
struct sum_of_credits {
  static constexpr std::string_view name = "sum_of_credits";
  using table = tyto::table<int, std::int64_t>;
  static inline gate held;
  static void project(table& rows, const credited& e, const metadata&) {
    held.pass();
    rows.update(0, [&](std::int64_t& sum) { sum += e.cents; });
  }
  static std::int64_t query(const table& rows, const total&) { return rows.get(0).value_or(0); }
};

// Balances, and who has the same.
struct balances {
  static constexpr std::string_view name = "balances";
  struct row {
    std::int64_t cents = 0;
  };
  using table = tyto::table<std::string, row, tyto::index<&row::cents>>;
  using events = tyto::events<credited, debited>;
  static void project(table& rows, const credited& e, const metadata& m) {
    rows.update(std::string{m.entity_id()}, [&](row& r) { r.cents += e.cents; });
  }
  static void project(table& rows, const debited& e, const metadata& m) {
    rows.update(std::string{m.entity_id()}, [&](row& r) { r.cents -= e.cents; });
  }
  struct with {
    std::int64_t cents = 0;
  };
  struct sum {};
  static std::string query(const table& rows, const with& q) {
    std::string names;
    rows.by<&row::cents>(q.cents).for_each([&](const std::string& owner, const row&) { names += owner + " "; });
    return names;
  }
};
TYTO_VALUE(balances::row, cents)

struct owners {
  static constexpr std::string_view name = "owners";
  using table = tyto::table<std::string, std::int64_t>;
  static void project(table& rows, const credited& e, const metadata& m) {
    rows.update(std::string{m.entity_id()}, [&](std::int64_t& cents) { cents += e.cents; });
  }
  static std::int64_t query(const table& rows, const total&) {
    std::int64_t sum = 0;
    rows.for_each([&](const auto&, std::int64_t cents) { sum += cents; });
    return sum;
  }
};

// Has no answer before the first credit.
struct first_credit {
  static constexpr std::string_view name = "first_credit";
  using table = tyto::table<int, std::int64_t>;
  static void project(table& rows, const credited& e, const metadata&) {
    if (!rows.contains(0)) rows.put(0, e.cents);
  }
  static std::int64_t query(const table& rows, const total&) { return rows.get(0).value(); }
};

// Knows nothing of credits, so its rows seldom change.
struct receipt_count {
  static constexpr std::string_view name = "receipt_count";
  using table = tyto::table<int, std::int64_t>;
  static void project(table& rows, const receipt_printed&, const metadata&) {
    rows.update(0, [](std::int64_t& count) { ++count; });
  }
  static std::int64_t query(const table& rows, const total&) { return rows.get(0).value_or(0); }
};

// Two versions of one projection, which tell who answered.
struct version_1 {
  static constexpr std::string_view name = "version.1";
  using table = tyto::table<int, std::int64_t>;
  static void project(table& rows, const credited& e, const metadata&) {
    rows.update(0, [&](std::int64_t& sum) { sum += e.cents; });
  }
  static std::string query(const table& rows, const total&) { return "1: " + std::to_string(rows.get(0).value_or(0)); }
};
struct version_2 {
  static constexpr std::string_view name = "version.2";
  using replaces = version_1;
  using table = tyto::table<std::string, std::int64_t>;
  static inline gate held;
  static inline std::atomic<bool> fails = false;
  static void project(table& rows, const credited& e, const metadata& m) {
    held.pass();
    if (fails) throw std::runtime_error("not finished");
    rows.update(std::string{m.entity_id()}, [&](std::int64_t& sum) { sum += e.cents; });
  }
  static std::string query(const table& rows, const total&) {
    std::int64_t sum = 0;
    rows.for_each([&](const auto&, std::int64_t cents) { sum += cents; });
    return "2: " + std::to_string(sum);
  }
};
struct version_3 {
  static constexpr std::string_view name = "version.3";
  using replaces = version_2;
  using table = tyto::table<int, std::int64_t>;
  static void project(table& rows, const credited&, const metadata&) {
    rows.update(0, [](std::int64_t& count) { ++count; });
  }
  static std::string query(const table& rows, const total&) { return "3: " + std::to_string(rows.get(0).value_or(0)); }
};

// Has a runtime with version 1 alone take in three credits of 1.
void run_version_1(const storage& stores) {
  runtime rt{stores, quiet()};
  rt.aggregate<account>().projection<version_1>().start().value();
  for (const auto* owner : {"ann", "bob", "ann"}) (void)rt.execute<account>(owner, credit{1}).value();
  rt.settle(long_enough).value();
  rt.stop().value();
}

std::string names_of(const runtime_status& status) {
  std::string names;
  for (const auto& each : status.consumers) names += each.name + " ";
  return names;
}

// Waits until the new version answers.
template <class P>
std::string wait_for_takeover(runtime& rt, const std::string& expected) {
  notes<std::string> seen;
  const auto watched = rt.watch<P>(total{}, [&](const std::string& answer) { seen.add(answer); }).value();
  CHECK(seen.wait_for(expected));
  return rt.query<P>(total{}).value();
}

}  // namespace

TEST_CASE("An index is committed with its rows and read back after a restart") {
  const temporary_directory directory;
  {
    runtime rt{open_lmdb({.path = directory.path()}).value(), quiet()};
    rt.aggregate<account>().projection<balances>().start().value();
    for (const auto* owner : {"cyd", "ann", "bob"}) (void)rt.execute<account>(owner, credit{5}).value();
    const auto done = rt.execute<account>("cyd", debit{2}).value();
    CHECK(rt.query<balances>({5}, {done.position}).value() == "ann bob ");
  }
  runtime rt{open_lmdb({.path = directory.path()}).value(), quiet()};
  rt.aggregate<account>().projection<balances>().start().value();
  CHECK(rt.query<balances>({5}).value() == "ann bob ");
  const auto done = rt.execute<account>("ann", debit{2}).value();
  CHECK(rt.query<balances>({5}, {done.position}).value() == "bob ");
  CHECK(rt.query<balances>({3}).value() == "ann cyd ");
}

TEST_CASE("Several projections answer as of one position while events come in") {
  const temporary_directory directory;
  const bool in_memory = GENERATE(true, false);
  runtime rt{in_memory ? open_memory() : open_lmdb({.path = directory.path()}).value(), quiet()};
  rt.aggregate<account>().projection<sum_of_credits>().projection<owners>().projection<receipt_count>();
  rt.start().value();
  std::jthread writer{[&](const std::stop_token& enough) {
    for (int i = 0; !enough.stop_requested(); ++i) {
      (void)rt.execute<account>("owner " + std::to_string(i % 7), credit{1}).value();
    }
  }};
  std::int64_t last = 0;
  for (int i = 0; i < 100; ++i) {
    const auto answered =
        rt.query_together<sum_of_credits, owners, receipt_count>({}, {}, {}, {.timeout = long_enough});
    REQUIRE(answered);
    const auto& [sum, sum_of_owners, receipts_printed] = *answered;
    REQUIRE(sum == sum_of_owners);
    REQUIRE(sum >= last);
    REQUIRE(receipts_printed == 0);
    last = sum;
  }
}

TEST_CASE("A question to several projections waits for the write that it must see") {
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>().projection<sum_of_credits>().projection<owners>().start().value();
  for (int i = 1; i <= 50; ++i) {
    const auto done = rt.execute<account>("ann", credit{1}).value();
    REQUIRE(rt.query_together<sum_of_credits, owners>({}, {}, {done.position}).value() == std::tuple{i, i});
  }
}

TEST_CASE("A question to one projection may be asked like one to several") {
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>().projection<sum_of_credits>().start().value();
  const auto done = rt.execute<account>("ann", credit{7}).value();
  CHECK(rt.query_together<sum_of_credits>({}, {done.position}).value() == std::tuple{std::int64_t{7}});
}

TEST_CASE("A question to several projections that takes too long says which of them is behind") {
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>().projection<sum_of_credits>().projection<owners>().start().value();
  const closing held{sum_of_credits::held};
  const auto done = rt.execute<account>("ann", credit{1}).value();
  (void)rt.query<owners>({}, {done.position}).value();
  const auto late = rt.query_together<owners, sum_of_credits>({}, {}, {.timeout = std::chrono::milliseconds{1}});
  REQUIRE_FALSE(late);
  CHECK(late.error().code() == errc::timeout);
  CHECK_THAT(late.error().message(),
             Catch::Contains("'sum_of_credits'") && Catch::Contains("1 events behind position 1"));
}

TEST_CASE("A live query tells the first answer and then each other one") {
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>().aggregate<receipts>().projection<sum_of_credits>().start().value();
  notes<std::int64_t> seen;
  const auto watched = rt.watch<sum_of_credits>({}, [&](std::int64_t sum) { seen.add(sum); }).value();
  REQUIRE(seen.wait_for(0));
  (void)rt.execute<account>("ann", credit{5}).value();
  REQUIRE(seen.wait_for(5));
  for (int i = 0; i < 10; ++i) (void)rt.execute<receipts>("ann", print_receipt{}).value();
  (void)rt.execute<account>("ann", credit{0}).value();
  (void)rt.execute<account>("ann", credit{2}).value();
  REQUIRE(seen.wait_for(7));
  CHECK(seen.all() == std::vector<std::int64_t>{0, 5, 7});
}

TEST_CASE("A slow callback misses what came meanwhile and gets the latest answer") {
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>().projection<sum_of_credits>().start().value();
  gate slow;
  notes<std::int64_t> seen;
  live_query watched;
  {
    const closing held{slow};
    watched = rt.watch<sum_of_credits>({}, [&](std::int64_t sum) {
                  seen.add(sum);
                  slow.pass();
                }).value();
    REQUIRE(seen.wait_for(0));
    for (int i = 0; i < 100; ++i) (void)rt.execute<account>("ann", credit{1}).value();
    rt.settle(long_enough).value();
  }
  REQUIRE(seen.wait_for(100));
  CHECK(seen.all() == std::vector<std::int64_t>{0, 100});
}

TEST_CASE("The callback of a live query is not called any more when the query has been destroyed") {
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>().projection<sum_of_credits>().start().value();
  notes<std::int64_t> seen;
  auto watched = rt.watch<sum_of_credits>({}, [&](std::int64_t sum) { seen.add(sum); }).value();
  REQUIRE(seen.wait_for(0));
  SECTION("by its end") { const auto ends = std::move(watched); }
  SECTION("by assignment") { watched = {}; }
  (void)rt.execute<account>("ann", credit{5}).value();
  rt.settle(long_enough).value();
  CHECK(seen.all() == std::vector<std::int64_t>{0});
}

TEST_CASE("A live query may be destroyed by its own callback") {
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>().projection<sum_of_credits>().start().value();
  std::promise<void> given;
  std::promise<void> ended;
  live_query watched;
  auto is_given = given.get_future();
  watched = rt.watch<sum_of_credits>({}, [&](std::int64_t) {
                is_given.wait();
                watched = {};
                ended.set_value();
              }).value();
  given.set_value();
  ended.get_future().wait();
  (void)rt.execute<account>("ann", credit{5}).value();
  rt.settle(long_enough).value();
}

TEST_CASE("A live query ends with the runtime after the last answer, and may outlive it") {
  notes<std::int64_t> seen;
  live_query watched;
  {
    runtime rt{open_memory(), quiet()};
    rt.aggregate<account>().projection<sum_of_credits>().start().value();
    watched = rt.watch<sum_of_credits>({}, [&](std::int64_t sum) { seen.add(sum); }).value();
    for (int i = 0; i < 100; ++i) (void)rt.execute<account>("ann", credit{1}).value();
    rt.settle(long_enough).value();
    SECTION("stopped") { rt.stop().value(); }
    SECTION("destroyed") {}
  }
  CHECK(seen.wait_for(100));
}

TEST_CASE("A live query that cannot be answered is tried again when its projection has moved on") {
  notes<std::string> lines;
  auto options = quiet();
  options.log = [&](std::string_view line) { lines.add(std::string{line.substr(0, 35)}); };
  runtime rt{open_memory(), options};
  rt.aggregate<account>().projection<first_credit>().start().value();
  notes<std::int64_t> seen;
  const auto watched = rt.watch<first_credit>({}, [&](std::int64_t cents) { seen.add(cents); }).value();
  REQUIRE(lines.wait_for("a live query will try again: queryi"));
  (void)rt.execute<account>("ann", credit{5}).value();
  REQUIRE(seen.wait_for(5));
}

TEST_CASE("A live query goes on when its callback throws") {
  std::atomic<int> lines = 0;
  auto options = quiet();
  options.log = [&](std::string_view line) { lines += line.find("live query") != std::string_view::npos ? 1 : 0; };
  runtime rt{open_memory(), options};
  rt.aggregate<account>().projection<sum_of_credits>().start().value();
  notes<std::int64_t> seen;
  const auto watched = rt.watch<sum_of_credits>({}, [&](std::int64_t sum) {
                           seen.add(sum);
                           if (sum == 0) throw std::runtime_error("no nothing");
                         }).value();
  REQUIRE(seen.wait_for(0));
  (void)rt.execute<account>("ann", credit{5}).value();
  REQUIRE(seen.wait_for(5));
  CHECK(lines == 1);
}

TEST_CASE("A live query of a projection that the runtime does not have is refused") {
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>().start().value();
  const auto refused = rt.watch<sum_of_credits>({}, [](std::int64_t) {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == errc::invalid_argument);
}

TEST_CASE("A new version of a projection is built beside the old one, which answers until it has caught up") {
  const auto stores = open_memory();
  run_version_1(stores);
  runtime rt{stores, quiet()};
  rt.aggregate<account>().projection<version_2>();
  notes<std::string> seen;
  live_query watched;
  {
    const closing held{version_2::held};
    rt.start().value();
    CHECK(names_of(rt.status()) == "version.1 version.2 ");
    CHECK(rt.query<version_2>(total{}).value() == "1: 3");
    watched = rt.watch<version_2>(total{}, [&](const std::string& answer) { seen.add(answer); }).value();
    const auto done = rt.execute<account>("cyd", credit{4}).value();
    CHECK(rt.query<version_2>(total{}, {done.position}).value() == "1: 7");
    CHECK(rt.status().consumers.at(1).lag == 4);
    REQUIRE(seen.wait_for("1: 7"));
  }
  CHECK(seen.wait_for("2: 7"));
  const auto done = rt.execute<account>("cyd", credit{1}).value();
  CHECK(rt.query<version_2>(total{}, {done.position}).value() == "2: 8");
  rt.settle(long_enough).value();
  rt.caught_up(long_enough).value();
  CHECK(rt.cancel_rebuild<version_2>().error().code() == errc::invalid_argument);
}

TEST_CASE("A version that has been replaced is not started again") {
  const temporary_directory directory;
  const auto open = [&] { return open_lmdb({.path = directory.path()}).value(); };
  run_version_1(open());
  {
    runtime rt{open(), quiet()};
    rt.aggregate<account>().projection<version_2>().start().value();
    CHECK(wait_for_takeover<version_2>(rt, "2: 3") == "2: 3");
    rt.settle(long_enough).value();
  }
  runtime rt{open(), quiet()};
  rt.aggregate<account>().projection<version_2>().start().value();
  CHECK(names_of(rt.status()) == "version.2 ");
  CHECK(rt.query<version_2>(total{}).value() == "2: 3");
}

TEST_CASE("On an empty journal a new version starts alone") {
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>().projection<version_3>().start().value();
  CHECK(names_of(rt.status()) == "version.3 ");
}

TEST_CASE("A rebuild that is cancelled leaves the old version to answer, and the next start goes on with it") {
  const auto stores = open_memory();
  run_version_1(stores);
  version_2::fails = true;
  {
    runtime rt{stores, quiet()};
    rt.aggregate<account>().projection<version_2>().start().value();
    rt.cancel_rebuild<version_2>().value();
    CHECK(rt.cancel_rebuild<version_2>().error().code() == errc::invalid_argument);
    const auto done = rt.execute<account>("cyd", credit{4}).value();
    CHECK(rt.query<version_2>(total{}, {done.position}).value() == "1: 7");
    CHECK(rt.status().consumers.at(1).state == consumer_state::stopped);
    rt.settle(long_enough).value();
    rt.caught_up(long_enough).value();
  }
  version_2::fails = false;
  runtime rt{stores, quiet()};
  rt.aggregate<account>().projection<version_2>().start().value();
  CHECK(wait_for_takeover<version_2>(rt, "2: 7") == "2: 7");
}

TEST_CASE("A version may replace one that was never finished") {
  const auto stores = open_memory();
  run_version_1(stores);
  version_2::fails = true;
  {
    runtime rt{stores, quiet()};
    rt.aggregate<account>().projection<version_3>().start().value();
    CHECK(names_of(rt.status()) == "version.1 version.2 version.3 ");
    CHECK(wait_for_takeover<version_3>(rt, "3: 3") == "3: 3");
    rt.settle(long_enough).value();
  }
  version_2::fails = false;
  runtime rt{stores, quiet()};
  rt.aggregate<account>().projection<version_3>().start().value();
  CHECK(names_of(rt.status()) == "version.3 ");
}

TEST_CASE("A runtime stops while a projection is being rebuilt, and goes on with it at the next start") {
  const auto stores = open_memory();
  run_version_1(stores);
  version_2::fails = true;
  {
    runtime rt{stores, quiet()};
    rt.aggregate<account>().projection<version_2>().start().value();
    rt.stop().value();
    CHECK(rt.cancel_rebuild<version_2>().error().code() == errc::invalid_argument);
  }
  version_2::fails = false;
  runtime rt{stores, quiet()};
  rt.aggregate<account>().projection<version_2>().start().value();
  CHECK(wait_for_takeover<version_2>(rt, "2: 3") == "2: 3");
}

TEST_CASE("A runtime has caught up when every consumer has done what was in the journal") {
  const auto stores = open_memory();
  run_version_1(stores);
  runtime rt{stores, quiet()};
  rt.aggregate<account>().projection<sum_of_credits>().projection<owners>();
  CHECK(rt.caught_up(long_enough).error().code() == errc::stopped);
  {
    const closing held{sum_of_credits::held};
    rt.start().value();
    const auto late = rt.caught_up(std::chrono::milliseconds{1});
    REQUIRE_FALSE(late);
    CHECK(late.error().code() == errc::timeout);
    CHECK_THAT(late.error().message(), Catch::Contains("'sum_of_credits' is at position 0 of 3"));
  }
  rt.caught_up(long_enough).value();
  CHECK(rt.query<sum_of_credits>({}).value() == 3);
  CHECK(rt.query<owners>({}).value() == 3);
  rt.stop().value();
  CHECK(rt.caught_up(long_enough).error().code() == errc::stopped);
}

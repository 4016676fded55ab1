// Consumers whose events fail for good: what is parked, skipped or stopped, and what becomes of dead letters.
#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "consumer/partition.hpp"
#include "ledger.hpp"
#include "support/catch.hpp"
#include "support/scripted_store.hpp"
#include "support/temporary_directory.hpp"

using namespace tyto;
using namespace tyto::test;

namespace {

// What all consumers of a test case have been told, and whether they cope with amounts below 0.
struct notebook {
  std::mutex mutex;
  std::vector<std::string> lines;
  std::set<std::uint64_t> positions;
  std::atomic<bool> copes = false;

  void write(const credited& e, const metadata& m) {
    if (e.cents < 0 && !copes) throw std::runtime_error("a credit below 0");
    const std::lock_guard lock{mutex};
    // What was handled with an event that failed is handled again with it: a consumer with effects knows its positions.
    if (!positions.insert(m.position).second) return;
    lines.push_back(std::string{m.entity_id()} + " " + std::to_string(e.cents));
  }
  std::size_t size() {
    const std::lock_guard lock{mutex};
    return lines.size();
  }
  std::vector<std::string> taken() {
    const std::lock_guard lock{mutex};
    return std::exchange(lines, {});
  }
};

template <on_failure Then>
struct noting {
  static constexpr std::string_view name = "noting";
  static constexpr failure_policy failures{
      .retries = Then == on_failure::retry ? std::optional<std::uint32_t>{} : std::optional<std::uint32_t>{2},
      .then = Then};
  std::shared_ptr<notebook> into;
  void react(const credited& e, const metadata& m) const { into->write(e, m); }
};

// Parks by a key of its own: the last letter of the owner's name.
struct noting_by_letter : noting<on_failure::park> {
  static std::string key(const credited&, const metadata& m) { return std::string{m.entity_id().substr(2)}; }
  void react(const credited& e, const metadata& m) const { into->write(e, m); }
};

template <std::size_t Parts, on_failure Then = on_failure::park>
struct noting_in_parts : noting<Then> {
  static constexpr std::size_t partitions = Parts;
  void react(const credited& e, const metadata& m) const { this->into->write(e, m); }
};

// Rows of what an account was credited with; amounts below 0 it cannot cope with unless told to.
struct sums {
  static constexpr std::string_view name = "sums";
  static constexpr failure_policy failures{.retries = 1};
  static inline std::atomic<bool> copes = false;
  using table = tyto::table<std::string, std::int64_t>;
  static void project(table& rows, const credited& e, const metadata& m) {
    if (e.cents < 0 && !copes) throw std::runtime_error("a credit below 0");
    rows.update(std::string{m.entity_id()}, [&](std::int64_t& sum) { sum += e.cents; });
  }
  struct of {
    std::string owner;
  };
  static std::int64_t query(const table& rows, const of& q) { return rows.get(q.owner).value_or(0); }
};

struct sums_in_parts : sums {
  static constexpr std::string_view name = "sums_in_parts";
  static constexpr std::size_t partitions = 3;
};

struct paying {
  static constexpr std::string_view name = "paying";
  static constexpr failure_policy failures{.retries = 1};
  static commands react(const credited& e, const metadata& m) {
    // An id that is too long can never be sent.
    return {send<receipts>(e.cents < 0 ? std::string(500, 'x') : std::string{m.entity_id()}, print_receipt{e.cents})};
  }
};

// The first version of account.credited again, and a second one to which nothing leads.
struct credited_again {
  static constexpr std::uint32_t schema_version = 3;
  std::int64_t cents = 0;
};
TYTO_EVENT(credited_again, "account.credited", cents)

struct new_account {
  static constexpr std::string_view category = "account";
  using command = std::variant<credit>;
  using event = std::variant<credited_again>;
  struct state {};
  static decision<event> decide(const state&, const credit& c) { return credited_again{c.cents}; }
  static state evolve(state s, const credited_again&) { return s; }
};
template <on_failure Then, std::size_t Partitions = 1>
struct new_noting {
  static constexpr std::string_view name = "noting";
  static constexpr failure_policy failures{.retries = 1, .then = Then};
  static constexpr std::size_t partitions = Partitions;
  std::shared_ptr<notebook> into;
  void react(const credited_again& e, const metadata& m) const { into->write({e.cents}, m); }
};
// Commands the account in whose stream the event is that cannot be read.
struct echoing {
  static constexpr std::string_view name = "echoing";
  static constexpr failure_policy failures{.retries = 1};
  static commands react(const receipt_printed&, const metadata& m) {
    return {send<new_account>(m.entity_id(), credit{1})};
  }
};

void credit_all(runtime& rt, const std::vector<std::pair<std::string, std::int64_t>>& credits) {
  for (const auto& [owner, cents] : credits) (void)rt.execute<account>(owner, credit{cents}).value();
  rt.settle(long_enough).value();
}

using lines = std::vector<std::string>;

}  // namespace

TEST_CASE("An event that fails for good is parked, and only events of its stream wait behind it") {
  auto book = std::make_shared<notebook>();
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>().reaction(noting<on_failure::park>{book}).start().value();
  credit_all(rt, {{"ann", 1}, {"ben", -1}, {"ann", 2}, {"ben", 3}, {"cid", 4}, {"ben", 5}});
  CHECK(book->taken() == lines{"ann 1", "ann 2", "cid 4"});

  const auto letters = rt.dead_letters("noting").value();
  REQUIRE(letters.size() == 3);
  CHECK(letters[0].event.position == 2);
  CHECK(letters[0].event.persistence_id == "account|ben");
  CHECK(letters[0].event.type == "account.credited");
  CHECK(letters[0].event.attempts == 3);
  CHECK_THAT(letters[0].event.reason, Catch::Contains("a credit below 0") && Catch::Contains("position 2"));
  CHECK(letters[1].event.attempts == 0);  // it only waits
  CHECK(rt.status().consumers[0].parked == 3);
  REQUIRE(rt.health().problems.size() == 1);
  CHECK(rt.health().problems[0].subject == "dead letters of 'noting'");

  SECTION("they are handled in order once the cause is gone") {
    book->copes = true;
    CHECK(rt.replay_dead_letters("noting").value() == 3);
    CHECK(book->taken() == lines{"ben -1", "ben 3", "ben 5"});
  }
  SECTION("a replay that fails keeps them, and says why") {
    const auto failed = rt.replay_dead_letters("noting");
    REQUIRE_FALSE(failed);
    CHECK_THAT(failed.error().message(), Catch::Contains("position 2") && Catch::Contains("a credit below 0"));
    CHECK(rt.dead_letters("noting")->size() == 3);
    book->copes = true;
    CHECK(rt.replay_dead_letters("noting", "account|ben").value() == 3);
    CHECK(book->taken() == lines{"ben -1", "ben 3", "ben 5"});
  }
  SECTION("the cause is given up, and what waited is handled") {
    CHECK(rt.discard_dead_letter("noting", 2).value() == 1);
    CHECK(rt.dead_letters("noting")->size() == 2);
    CHECK(rt.replay_dead_letters("noting").value() == 2);
    CHECK(book->taken() == lines{"ben 3", "ben 5"});
  }
  CHECK(rt.dead_letters("noting")->empty());
  CHECK(rt.health().is_healthy());
  credit_all(rt, {{"ben", 7}});
  CHECK(book->taken() == lines{"ben 7"});
  CHECK(rt.replay_dead_letters("noting").value() == 0);
}

TEST_CASE("Parked events are still parked after a restart, and what comes for their key still waits") {
  const temporary_directory directory;
  auto book = std::make_shared<notebook>();
  const auto open = [&] { return open_lmdb({.path = directory.path()}).value(); };
  {
    runtime rt{open(), quiet()};
    rt.aggregate<account>().reaction(noting<on_failure::park>{book}).start().value();
    credit_all(rt, {{"ben", -1}, {"ben", 2}});
  }
  {
    runtime rt{open(), quiet()};
    rt.aggregate<account>().reaction(noting<on_failure::park>{book}).start().value();
    credit_all(rt, {{"ben", 3}, {"ann", 1}});
    CHECK(book->taken() == lines{"ann 1"});
    CHECK(rt.status().consumers[0].parked == 3);
    book->copes = true;
    CHECK(rt.replay_dead_letters("noting").value() == 3);
    CHECK(book->taken() == lines{"ben -1", "ben 2", "ben 3"});
  }
  runtime rt{open(), quiet()};
  rt.aggregate<account>().reaction(noting<on_failure::park>{book}).start().value();
  CHECK(rt.dead_letters("noting")->empty());
  credit_all(rt, {{"ben", 4}});
  CHECK(book->taken() == lines{"ben 4"});
}

TEST_CASE("Events wait behind those of the key that the consumer gives") {
  auto book = std::make_shared<notebook>();
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>().reaction(noting_by_letter{book}).start().value();
  credit_all(rt, {{"ben", -1}, {"dan", 1}, {"ann", 2}, {"cid", 3}});
  CHECK(book->taken() == lines{"cid 3"});
  CHECK(rt.dead_letters("noting").value().at(1).event.key == "n");
}

TEST_CASE("An event that fails for good is skipped and on record where the policy says so") {
  auto book = std::make_shared<notebook>();
  const auto stores = open_memory();
  runtime rt{stores, quiet()};
  rt.aggregate<account>().reaction(noting<on_failure::skip>{book}).start().value();
  credit_all(rt, {{"ben", -1}, {"ben", 2}});
  CHECK(book->taken() == lines{"ben 2"});
  CHECK(rt.dead_letters("noting")->empty());
  std::vector<event_skipped> skipped;
  REQUIRE(stores.journal->read_stream("tyto.consumer|noting", 1, [&](const event_view& event) {
    skipped.push_back(from_bytes<event_skipped>(event.payload).value());
    return visit::next;
  }));
  REQUIRE(skipped.size() == 1);
  CHECK(skipped[0].position == 1);
  CHECK(skipped[0].attempts == 3);
}

TEST_CASE("A consumer halts where the policy says so, health names it, and others go on") {
  auto book = std::make_shared<notebook>();
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>().reaction(noting<on_failure::stop>{book}).projection<turnover>().start().value();
  (void)rt.execute<account>("ben", credit{1}).value();
  (void)rt.execute<account>("ben", credit{-1}).value();
  (void)rt.execute<account>("ben", credit{2}).value();
  const auto late = rt.settle(long_enough);  // it ends as soon as the consumer has halted
  REQUIRE_FALSE(late);
  CHECK_THAT(late.error().message(), Catch::Contains("noting"));
  CHECK(rt.query<turnover>({"ben"}, {3}).value().credited == 2);
  CHECK(book->taken() == lines{"ben 1"});
  REQUIRE(rt.health().problems.size() == 1);
  CHECK(rt.health().problems[0].subject == "consumer 'noting'");
  CHECK(rt.replay_dead_letters("noting").error().code() == errc::stopped);
}

TEST_CASE("A projection parks what it cannot handle, and rows come right once it is replayed") {
  sums::copes = false;
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>().projection<sums>().start().value();
  credit_all(rt, {{"ann", 1}, {"ben", -2}, {"ben", 5}, {"ann", 1}});
  CHECK(rt.query<sums>({"ann"}).value() == 2);
  CHECK(rt.query<sums>({"ben"}).value() == 0);
  sums::copes = true;
  CHECK(rt.replay_dead_letters("sums").value() == 2);
  CHECK(rt.query<sums>({"ben"}).value() == 3);
}

TEST_CASE("A command that its aggregate cannot cope with parks the event, and a full journal does not") {
  auto stores = open_memory();
  auto journal = std::make_shared<scripted_store>(stores.journal);
  stores.journal = journal;
  runtime rt{stores, quiet()};
  rt.aggregate<account>().aggregate<receipts>().reaction<paying>().start().value();
  credit_all(rt, {{"ann", -1}, {"ben", 1}});
  CHECK(rt.dead_letters("paying")->size() == 1);

  journal->fail_appends_to("receipts|cid", error{errc::full, "appending", "the disk is full"}, 5);
  credit_all(rt, {{"cid", 1}});
  CHECK(rt.dead_letters("paying")->size() == 1);  // it was tried until there was room
}

TEST_CASE(
    "A reaction in partitions handles every event once, those of one stream in order, also when their number changes") {
  const temporary_directory directory;
  auto book = std::make_shared<notebook>();
  std::map<std::string, std::vector<std::string>> expected;
  const auto run = [&](auto reaction, int round) {
    runtime rt{open_lmdb({.path = directory.path()}).value(), quiet()};
    rt.aggregate<account>().aggregate<receipts>().reaction(reaction).start().value();
    for (int i = 0; i < 20; ++i) {
      for (const auto* owner : {"ann", "ben", "cid", "dan", "eve", "fay"}) {
        (void)rt.execute<account>(owner, credit{round * 100 + i}).value();
        expected[owner].push_back(std::string{owner} + " " + std::to_string(round * 100 + i));
      }
    }
    rt.settle(long_enough).value();
    return rt.status().consumers.size();
  };
  CHECK(run(noting_in_parts<1>{book}, 1) == 1);
  CHECK(run(noting_in_parts<3>{book}, 2) == 3);
  CHECK(run(noting_in_parts<3>{book}, 3) == 3);
  CHECK(run(noting_in_parts<2>{book}, 4) == 2);
  std::map<std::string, std::vector<std::string>> seen;
  for (auto& line : book->taken()) seen[line.substr(0, 3)].push_back(line);
  CHECK(seen == expected);
}

TEST_CASE("What a fast partition has done is not repeated when another number of them goes on where a slow one was") {
  const temporary_directory directory;
  const std::vector<std::string> owners{"ann", "ben", "cid", "dan", "eve", "fay"};
  const auto part_of = [](const std::string& owner) { return detail::partition_of("account|" + owner, 2); };
  lines expected;
  lines fast;
  {
    auto book = std::make_shared<notebook>();
    runtime rt{open_lmdb({.path = directory.path()}).value(), quiet()};
    rt.aggregate<account>().reaction(noting_in_parts<2, on_failure::retry>{book}).start().value();
    const auto credit_one = [&](const std::string& owner, std::int64_t cents) {
      (void)rt.execute<account>(owner, credit{cents}).value();
      expected.push_back(owner + " " + std::to_string(cents));
      if (part_of(owner) != part_of("ann")) fast.push_back(expected.back());
    };
    credit_one("ann", -1);  // its partition waits here
    for (std::int64_t cents = 1; cents <= 20; ++cents) {
      for (const auto& owner : owners) credit_one(owner, cents);
    }
    REQUIRE_FALSE(fast.empty());
    REQUIRE(fast.size() < expected.size());
    while (book->size() < fast.size()) std::this_thread::yield();
    rt.stop().value();
    CHECK(book->taken() == fast);
  }
  auto book = std::make_shared<notebook>();
  book->copes = true;
  runtime rt{open_lmdb({.path = directory.path()}).value(), quiet()};
  rt.aggregate<account>().reaction(noting_in_parts<3, on_failure::retry>{book}).start().value();
  rt.settle(long_enough).value();
  auto seen = book->taken();
  seen.insert(seen.end(), fast.begin(), fast.end());
  std::ranges::sort(seen);
  std::ranges::sort(expected);
  CHECK(seen == expected);
}

// What health() calls the dead letters of each of three partitions that have some.
std::set<std::string> partitions_of_letters(const std::vector<dead_letter>& letters) {
  std::set<std::string> subjects;
  for (const auto& each : letters) {
    const detail::partition part{detail::partition_of(each.event.key, 3), 3};
    subjects.insert("dead letters of '" + part.label("noting") + "'");
  }
  return subjects;
}

TEST_CASE("A partition parks for itself, and all of them release") {
  auto book = std::make_shared<notebook>();
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>().reaction(noting_in_parts<3>{book}).start().value();
  credit_all(rt, {{"ann", -1}, {"ben", -1}, {"cid", -1}, {"dan", -1}, {"ann", 1}, {"eve", 2}});
  CHECK(book->taken() == lines{"eve 2"});
  CHECK(rt.dead_letters("noting")->size() == 5);
  CHECK(rt.discard_dead_letter("noting", 1).value() == 1);  // one partition has fewer, the others as many
  CHECK_FALSE(rt.replay_dead_letters("noting", "account|ben"));
  std::set<std::string> waiting;
  for (const auto& each : rt.health().problems) waiting.insert(each.subject);
  CHECK(waiting == partitions_of_letters(rt.dead_letters("noting").value()));
  std::uint64_t parked = 0;
  for (const auto& each : rt.status().consumers) {
    CHECK(each.name.starts_with("noting["));
    CHECK(rt.dead_letters(each.consumer)->size() == 4);
    parked += each.parked;
  }
  CHECK(parked == 4);
  book->copes = true;
  CHECK(rt.replay_dead_letters("noting").value() == 4);
  CHECK(book->taken().size() == 4);
  CHECK(rt.health().is_healthy());
}

TEST_CASE("A projection in partitions parks what fails and has the rows of one that is whole") {
  sums::copes = false;
  const auto stores = open_memory();
  {
    runtime rt{stores, quiet()};
    rt.aggregate<account>().start().value();
    for (int i = 0; i < 1'000; ++i) (void)rt.execute<account>("acc-" + std::to_string(i % 10), credit{i}).value();
    credit_all(rt, {{"ann", 1}, {"ben", -5}, {"ben", 1}, {"ann", 2}});
  }
  runtime rt{stores, quiet()};
  rt.aggregate<account>().projection<sums>().projection<sums_in_parts>().start().value();
  rt.settle(long_enough).value();
  CHECK(rt.status().consumers.size() == 2);
  const auto same_of = [&](const std::string& owner) {
    const auto sum = rt.query<sums>({owner}).value();
    CHECK(rt.query<sums_in_parts>({owner}).value() == sum);
    return sum;
  };
  for (int i = 0; i < 10; ++i) CHECK(same_of("acc-" + std::to_string(i)) == 49'500 + i * 100);
  CHECK(same_of("ann") == 3);
  CHECK(same_of("ben") == 0);
  CHECK(rt.dead_letters("sums_in_parts")->size() == 2);
  sums::copes = true;
  CHECK(rt.replay_dead_letters("sums_in_parts").value() == 2);
  CHECK(rt.query<sums_in_parts>({"ben"}).value() == -4);
  CHECK(rt.dead_letters("sums_in_parts")->empty());
}

TEST_CASE("Unknown consumers have no dead letters to be listed or released") {
  runtime rt{open_memory(), quiet()};
  rt.aggregate<account>().start().value();
  CHECK(rt.dead_letters("nobody").error().code() == errc::invalid_argument);
  CHECK(rt.replay_dead_letters("nobody").error().code() == errc::invalid_argument);
}

TEST_CASE("A projection that begins anew over an old record parks nothing that comes before its dead letters") {
  sums::copes = false;
  const auto first = open_memory();
  const auto again = open_memory();
  for (const auto& rows : {first.read_models, again.read_models}) {  // the second ones as after restoring a backup
    runtime rt{{first.journal, rows, nullptr}, quiet()};
    rt.aggregate<account>().projection<sums>().start().value();
    if (rows == first.read_models) credit_all(rt, {{"ben", 1}, {"ben", -1}, {"ben", 2}});
    rt.settle(long_enough).value();
    CHECK(rt.query<sums>({"ben"}).value() == 1);
    const auto letters = rt.dead_letters("sums").value();
    REQUIRE(letters.size() == 2);
    CHECK(letters[0].event.position == 2);
  }
}

TEMPLATE_TEST_CASE("An event that cannot be brought up to date is dealt with as the policy says, and others go on", "",
                   (new_noting<on_failure::park>), (new_noting<on_failure::skip>), (new_noting<on_failure::park, 3>)) {
  const auto stores = open_memory();
  {
    runtime rt{stores, quiet()};
    rt.aggregate<account>().start().value();
    (void)rt.execute<account>("bad", credit{1}).value();
  }
  upcasters changes;
  if (GENERATE(false, true)) {
    changes.upcast<credited_again>(2, [](document&) {});  // from 1 nothing leads on
  } else {
    changes.upcast<credited_again>(1, [](document&) { throw std::runtime_error("it cannot be made"); });
    changes.upcast<credited_again>(2, [](document&) {});
  }
  auto book = std::make_shared<notebook>();
  runtime rt{upcasting(stores, changes), quiet()};
  rt.aggregate<new_account>().aggregate<receipts>().reaction(TestType{book});
  rt.reaction<echoing>().start().value();
  (void)rt.execute<receipts>("bad", print_receipt{1}).value();
  for (int i = 0; i < 10; ++i) (void)rt.execute<new_account>("good " + std::to_string(i), credit{i}).value();
  (void)rt.execute<receipts>("good 1", print_receipt{1}).value();
  rt.settle(long_enough).value();
  CHECK(book->size() == 11);
  const bool parks = TestType::failures.then == on_failure::park;
  const auto letters = rt.dead_letters("noting").value();
  REQUIRE(letters.size() == (parks ? 1 : 0));
  if (parks) {
    CHECK(letters[0].event.position == 1);
    CHECK(letters[0].event.key == "account|bad");
    CHECK_THAT(letters[0].event.reason, Catch::Contains("upcasting 'account.credited' version 1"));
    CHECK(rt.replay_dead_letters("noting").error().code() != errc::stopped);  // it cannot be read this time either
    CHECK(rt.discard_dead_letter("noting", 1).value() == 1);
  }
  // The aggregate in whose stream it is cannot be read: that is the fault of the event which leads there.
  CHECK(rt.dead_letters("echoing").value().size() == 1);
}

// A runtime on a disk that fails answers with the reason, shows nobody what is not stored, and goes on when the disk
// works again, or from a storage that was opened again.
#include <cerrno>
#include <cstring>
#include <future>
#include <mutex>
#include <set>

#include "contract/store_support.hpp"
#include "crash_history.hpp"
#include "faulty_disk.hpp"
#include "support/catch.hpp"
#include "support/long_enough.hpp"

using namespace tyto;
using namespace tyto::test;

namespace {

using kind = disk_call::kind;

// How many of the numbered commands have been sent before the fault, while it is there, and after it.
constexpr std::uint64_t commands_before = 8;
constexpr std::uint64_t commands_during = 24;
constexpr std::uint64_t commands_after = 32;

runtime_options quiet() {
  runtime_options options;
  options.log = [](std::string_view) {};
  options.min_backoff = std::chrono::milliseconds{1};
  options.max_backoff = std::chrono::milliseconds{2};
  options.worker_threads = 2;
  return options;
}

// Remembers what a subscriber has seen.
class witness {
 public:
  void subscribe_to(runtime& rt) {
    rt.subscribe<counted_in>([this](const counted_in&, const metadata& m) {
      const std::lock_guard lock{mutex_};
      seen_.emplace(m.position, m.command_id);
    });
  }
  // Everything that was seen is in the journal, where it was said to be.
  void check(const event_store& journal) const {
    std::set<std::pair<std::uint64_t, std::string>> stored;
    for (const auto& event : read_all(journal)) stored.emplace(event.meta.position, event.meta.command_id);
    const std::lock_guard lock{mutex_};
    CHECK(seen_.size() > commands_before);
    for (const auto& each : seen_) CHECK(stored.contains(each));
  }

 private:
  mutable std::mutex mutex_;
  std::set<std::pair<std::uint64_t, std::string>> seen_;
};

// Sends the commands below `end`, some at a time. Returns why some failed.
std::vector<error> send_below(std::uint64_t end, runtime& rt, crash_history& history) {
  constexpr std::uint64_t at_once = 4;
  std::vector<error> failures;
  for (std::uint64_t number = 0; number < end;) {
    std::vector<std::pair<std::uint64_t, std::future<command_result>>> answers;
    for (; answers.size() < at_once && number < end; ++number) {
      command_options options;
      options.command_id = id_of(number);
      answers.emplace_back(number, rt.submit<tally>(entity_of(number), count_in{number}, options));
    }
    for (auto& [sent, answer] : answers) {
      const auto heard = answer.get();
      if (heard) {
        history.acknowledged({sent, heard->position, heard->sequence_number, heard->event_count, heard->repeated});
      } else {
        failures.push_back(*heard.error().failed());
      }
    }
  }
  return failures;
}

bool asks_to_reopen(const error& why) {
  return why.message().find("close the storage and open it again") != std::string::npos;
}

bool must_reopen(const storage& stores) {
  const auto head = stores.journal->head();
  if (!head) return asks_to_reopen(head.error());
  const auto rows = stores.read_models->snapshot(sums::name);
  return !rows && asks_to_reopen(rows.error());
}

struct world {
  explicit world(const std::filesystem::path& directory)
      : stores(open_lmdb(crash_storage(directory)).value()), rt(stores, quiet()) {
    add_crash_domain(rt);
  }
  storage stores;
  runtime rt;
};

// Waits until there is nothing left to do, unless `gives_up()`.
template <class Condition>
void settle_unless(world& in, Condition gives_up) {
  while (!gives_up() && !in.rt.settle(std::chrono::milliseconds{10})) continue;
}

struct outcome {
  bool failed = false;                     // any call to the disk
  std::uint64_t stored_though_failed = 0;  // commands, as far as can be told apart
};

// Runs commands while `fault` is there below `part` of the storage, and after it.
outcome run_with(const disk_fault& fault, const std::string& part, errc expected) {
  const temporary_directory directory;
  faulty_disk disk{directory.path() / part};
  outcome ended;
  crash_history history;
  witness subscriber;
  auto now = std::make_unique<world>(directory.path());
  const auto send = [&](std::uint64_t end) {
    const auto failures = send_below(end, now->rt, history);
    for (const auto& why : failures) {
      INFO(why.message());
      CHECK((why.code() == expected || asks_to_reopen(why)));
      CHECK(why.message().find(directory.path().string()) != std::string::npos);
      CHECK(part == "journal");
    }
    return failures.empty();
  };
  subscriber.subscribe_to(now->rt);
  now->rt.start().value();
  REQUIRE(send(commands_before));
  now->rt.settle(long_enough).value();

  disk.set(fault);
  send(commands_during);
  settle_unless(*now, [&] { return disk.failed() > 0; });
  send(commands_during);
  disk.heal();

  // What was under way in that moment may fail yet; then everything succeeds, or nothing until it is opened again.
  for (int attempts = 1; !must_reopen(now->stores) && !send(commands_after); ++attempts) REQUIRE(attempts < 100);
  settle_unless(*now, [&] { return must_reopen(now->stores); });
  if (must_reopen(now->stores)) {
    CHECK(send(commands_after) == (part != "journal"));
    now.reset();
    now = std::make_unique<world>(directory.path());
    ended.stored_though_failed = history.check(now->stores).stored_unheard;
    now->rt.start().value();
    REQUIRE(send(commands_after));
    now->rt.settle(long_enough).value();
  }
  now->rt.stop().value();
  subscriber.check(*now->stores.journal);
  history.check(now->stores);
  history.check_complete(now->stores);
  ended.failed = disk.failed() > 0;
  return ended;
}

// At its first call, its second, and so on, until none is left. Returns how many commands were stored though they
// failed.
std::uint64_t run_with_each(disk_fault fault, const std::string& part, errc expected) {
  std::uint64_t stored_though_failed = 0;
  for (bool failed = true; failed; ++fault.at) {
    INFO("at call " << fault.at << " to " << part << (fault.lasting ? " and later: " : ": ")
                    << std::strerror(fault.code));
    const auto ended = run_with(fault, part, expected);
    failed = ended.failed;
    stored_though_failed += ended.stored_though_failed;
  }
  const int met = fault.at - 2;
  CHECK(met >= (part == "journal" ? 4 : 1));  // a projection may store everything at once
  return stored_though_failed;
}

}  // namespace

TEST_CASE("Commands whose events cannot be stored fail with the reason, are seen by nobody, and succeed later") {
  const bool lasting = GENERATE(false, true);
  SECTION("writes") { CHECK(run_with_each({kind::write, ENOSPC, 1, lasting}, "journal", errc::full) == 0); }
  SECTION("syncs") { CHECK(run_with_each({kind::sync, EIO, 1, lasting}, "journal", errc::io) == 0); }
  SECTION("meta pages") {
    CHECK(run_with_each({kind::synced_write, EROFS, 1, lasting}, "journal", errc::permission) == 0);
  }
  SECTION("everything") { CHECK(run_with_each({std::nullopt, EDQUOT, 1, lasting}, "journal", errc::full) == 0); }
}

TEST_CASE("A projection whose rows cannot be stored delays no command, and is complete later") {
  const bool lasting = GENERATE(false, true);
  SECTION("writes") { CHECK(run_with_each({kind::write, ENOSPC, 1, lasting}, "read_models", errc::full) == 0); }
  SECTION("syncs") { CHECK(run_with_each({kind::sync, EIO, 1, lasting}, "read_models", errc::io) == 0); }
  SECTION("everything") { CHECK(run_with_each({std::nullopt, EIO, 1, lasting}, "read_models", errc::io) == 0); }
}

TEST_CASE("Commands that failed but were stored, because the disk broke in the middle of a meta page, run once") {
  // Which calls to the disk a command is stored by depends on what came together in a transaction.
  std::uint64_t stored = 0;
  for (int sweeps = 0; stored == 0 && sweeps < 10; ++sweeps) {
    stored += run_with_each({std::nullopt, EIO, 1, true, mishap::done_anyway}, "journal", errc::io);
  }
  CHECK(stored > 0);
}

// A writer that is killed at any moment has stored every command that it acknowledged, once and whole, and the next
// writer goes on from there. See crash_writer.cpp for what it does and crash_history.hpp for what is checked.
#include <algorithm>
#include <cstdlib>
#include <random>

#include "crash_history.hpp"
#include "support/catch.hpp"
#include "support/temporary_directory.hpp"
#include "writer_process.hpp"

using namespace tyto;
using namespace tyto::test;

namespace {

// How many kills at random moments, at least 25: a hundred in CTest, more by hand.
int rounds() {
  const char* given = std::getenv("TYTO_CRASH_ROUNDS");  // NOLINT(concurrency-mt-unsafe)
  return given == nullptr ? 100 : std::stoi(given);
}

// Hears a writer to its end, and notes what it acknowledged.
writer_end hear_out(writer_process& writer, crash_history& history) {
  while (const auto told = writer.next()) history.acknowledged(*told);
  return writer.wait();
}

// A writer that is let through: it sends what is open, and everything that follows is done when it ends.
void finish(const std::filesystem::path& directory, crash_history& history, std::mt19937& random) {
  writer_process writer{{.directory = directory, .numbers = history.to_send_again(random)}};
  const auto end = hear_out(writer, history);
  REQUIRE(end == writer_end::finished);
  history.check(open_lmdb(crash_storage(directory)).value());
  history.check_complete(open_lmdb(crash_storage(directory)).value());
}

// Kills one writer after another in one directory, at random moments.
void kill_at_random(int kills, bool beside_reader, std::mt19937& random, kill_count& killed) {
  const auto pick = [&](int most) { return std::uniform_int_distribution<int>{0, most}(random); };
  const temporary_directory directory;
  crash_history history;
  storage reader;
  for (int i = 0; i < kills; ++i) {
    INFO("kill " << i << " in this directory" << (beside_reader ? ", beside a reader" : ""));
    writer_process writer{{.directory = directory.path(),
                           .in_flight = 48,
                           .first = history.next(),
                           .end = endless,
                           .numbers = history.to_send_again(random)}};
    // Some while the writer opens the storage, most after a few or many acknowledgements, and then a moment later.
    const int enough = pick(5) == 0 ? 0 : pick(200);
    int heard = 0;
    for (; heard < enough; ++heard) {
      const auto told = writer.next();
      REQUIRE(told);
      history.acknowledged(*told);
    }
    writer.kill_after(std::chrono::microseconds{pick(enough == 0 ? 20'000 : 2'000)});
    const auto end = hear_out(writer, history);
    REQUIRE(end == writer_end::killed);
    ++(history.heard_since_check() > 0 ? killed.at_work : killed.early);

    const bool exists = !history.empty();
    if (beside_reader && exists && !reader.journal) reader = open_lmdb(crash_storage(directory.path(), true)).value();
    const bool read_only = reader.journal || (exists && i % 2 == 0);
    const auto found = history.check(open_lmdb(crash_storage(directory.path(), read_only)).value(), beside_reader);
    killed.stored_unheard += found.stored_unheard;
    killed.lost_unheard += found.lost_unheard;
  }
  reader = {};
  history.check(open_lmdb(crash_storage(directory.path())).value());  // what was hidden from the reader, too
  finish(directory.path(), history, random);
}

// Kills writers of the same work at their first call to the disk, their second, and so on, until one gets through.
// Each has a directory of its own, or all continue in one. Returns how many were killed: that depends on how many
// commands go into one transaction, but each of the six times four takes three calls, and opening some more.
int kill_at_every_call(const std::string& moment, bool continuing) {
  std::mt19937 random{1};
  auto directory = std::make_unique<temporary_directory>();
  crash_history history;
  for (int call = 1;; ++call) {
    INFO("killed " << moment << " call " << call << " to the disk" << (continuing ? ", continuing" : ""));
    const auto first = history.next();
    writer_process writer{{.directory = directory->path(),
                           .in_flight = 4,
                           .first = first,
                           .end = first + 24,
                           .kill_at = call,
                           .moment = moment,
                           .numbers = history.to_send_again(random)}};
    const auto end = hear_out(writer, history);
    REQUIRE(end != writer_end::failed);
    history.check(open_lmdb(crash_storage(directory->path(), !history.empty() && call % 2 == 0)).value());
    if (end == writer_end::finished) {
      finish(directory->path(), history, random);
      return call - 1;
    }
    if (continuing) continue;
    finish(directory->path(), history, random);
    directory = std::make_unique<temporary_directory>();
    history = {};
  }
}

}  // namespace

TEST_CASE("A writer killed at random moments has stored what it acknowledged, once and whole, and its heir goes on") {
  constexpr int kills_per_directory = 25;
  kill_count killed;
  unsigned seed = 0;
  for (int left = rounds(); left > 0; left -= kills_per_directory) {
    INFO("seed " << ++seed);
    std::mt19937 random{seed};
    kill_at_random(std::min(left, kills_per_directory), seed % 2 == 0, random, killed);
  }
  WARN(killed.at_work << " writers killed at work, " << killed.early
                      << " before their first acknowledgement; of the commands in flight " << killed.stored_unheard
                      << " were stored and " << killed.lost_unheard << " were not");
  CHECK(killed.at_work >= rounds() / 2);
  CHECK(killed.stored_unheard > 0);
  CHECK(killed.lost_unheard > 0);
}

TEST_CASE("A writer killed at any call to the disk has stored what it acknowledged, once and whole") {
  const std::string moment = GENERATE("before", "middle", "after");
  const int killed = kill_at_every_call(moment, false);
  INFO("moment " << moment);
  CHECK(killed >= 40);
}

TEST_CASE("Writers killed at one call to the disk after the other continue what their predecessors left") {
  const std::string moment = GENERATE("before", "middle", "after");
  const int killed = kill_at_every_call(moment, true);
  INFO("moment " << moment);
  CHECK(killed >= 20);
}

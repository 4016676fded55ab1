// Consumers of every kind whose process is killed at any moment: nothing is skipped, and whatever follows from an event
// has happened once. See consumer_crash_domain.hpp for the consumers and consumer_history.hpp for what is checked.
#include <cstdlib>
#include <random>
#include <set>

#include "consumer_history.hpp"
#include "support/catch.hpp"
#include "support/temporary_directory.hpp"
#include "writer_process.hpp"

using namespace tyto;
using namespace tyto::test;

namespace {

int setting(const char* name, int otherwise) {
  const char* given = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
  return given == nullptr ? otherwise : std::stoi(given);
}

// The commands of all writers in one directory.
class numbers_sent {
 public:
  [[nodiscard]] std::uint64_t next() const { return next_; }

  // Those that may not have been stored.
  [[nodiscard]] std::vector<std::uint64_t> unheard() const { return {unheard_.begin(), unheard_.end()}; }

  // Returns whether there was one to hear.
  bool hear_one(writer_process& writer) {
    const auto told = writer.next();
    if (!told) return false;
    for (; next_ <= told->number; ++next_) unheard_.insert(next_);
    unheard_.erase(told->number);
    return true;
  }

 private:
  std::uint64_t next_ = 0;
  std::set<std::uint64_t> unheard_;
};

constexpr int most_in_flight = 16;

// Sends what may be missing, and what may have been in flight, so that every number below next() has been sent; and
// checks what became of them.
void finish(const std::filesystem::path& directory, numbers_sent& sent) {
  writer_process writer{{.directory = directory,
                         .first = sent.next(),
                         .end = sent.next() + std::uint64_t{2 * most_in_flight},
                         .numbers = sent.unheard()}};
  while (sent.hear_one(writer)) continue;
  REQUIRE(writer.wait() == writer_end::finished);
  REQUIRE(sent.unheard().empty());
  settle_and_check(directory, sent.next());
}

}  // namespace

TEST_CASE("Consumers killed at random moments have skipped nothing in the end, and done everything once") {
  const int rounds = setting("TYTO_CRASH_ROUNDS", 60);
  const int seed = setting("TYTO_CRASH_SEED", 1);
  CAPTURE(seed);
  std::mt19937 random{static_cast<unsigned>(seed)};
  const auto pick = [&](int most) { return std::uniform_int_distribution<int>{0, most}(random); };
  const temporary_directory directory;
  numbers_sent sent;
  consumer_kills kills;
  for (int round = 0; round < rounds; ++round) {
    CAPTURE(round);
    writer_process writer{{.directory = directory.path(),
                           .in_flight = 1 + pick(most_in_flight - 1),
                           .first = sent.next(),
                           .end = endless,
                           .numbers = sent.unheard()}};
    // Some while they start, most after a few commands or many.
    const int enough = pick(7) == 0 ? 0 : pick(240);
    int heard = 0;
    for (; heard < enough; ++heard) REQUIRE(sent.hear_one(writer));
    writer.kill_after(std::chrono::microseconds{pick(enough == 0 ? 20'000 : 5'000)});
    while (sent.hear_one(writer)) ++heard;
    REQUIRE(writer.wait() == writer_end::killed);
    ++(heard > 0 ? kills.at_work : kills.early);
    if (sent.next() > 0) note_loose_ends(open_lmdb(crash_storage(directory.path(), true)).value(), kills);
  }
  finish(directory.path(), sent);
  WARN("seed " << seed << ": " << kills.at_work << " kills at work, " << kills.early << " before, " << sent.next()
               << " commands; stored beyond the checkpoint: echoes " << kills.echoes_to_repeat
               << " times, parked events " << kills.parked_again << " times, deadlines " << kills.deadlines_told_again
               << " times; dead letters of a projection left " << kills.letters_left << " times, one of them handled "
               << kills.letters_to_finish << " times");
  // How often is up to the machine; but what never happened was not tested.
  CHECK(kills.at_work > 0);
  CHECK(kills.echoes_to_repeat > 0);
  CHECK(kills.parked_again > 0);
  CHECK(kills.deadlines_told_again > 0);
  CHECK(kills.letters_to_finish > 0);
}

TEST_CASE("Consumers killed at one call to the disk after the other have skipped nothing in the end") {
  const std::string moment = GENERATE("before", "after");
  CAPTURE(moment);
  const temporary_directory directory;
  numbers_sent sent;
  int call = 1;
  for (;; ++call) {
    CAPTURE(call);
    writer_process writer{{.directory = directory.path(),
                           .in_flight = 4,
                           .first = sent.next(),
                           .end = sent.next() + 12,
                           .kill_at = call,
                           .moment = moment,
                           .numbers = sent.unheard()}};
    while (sent.hear_one(writer)) continue;
    const auto end = writer.wait();
    REQUIRE(end != writer_end::failed);
    if (end == writer_end::finished) break;
  }
  finish(directory.path(), sent);
  CHECK(call > 40);
}

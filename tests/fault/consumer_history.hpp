// What the journal says that consumers must have done, whenever their process was killed, and whether they did.
#pragma once

#include <cstdint>
#include <set>

#include "consumer_crash_domain.hpp"

namespace tyto::test {

/// How many kills left what when the next process began.
struct consumer_kills {
  int early = 0;  // before the writer's first acknowledgement
  int at_work = 0;
  int echoes_to_repeat = 0;      // effects of the reaction that were stored, but not its checkpoint
  int parked_again = 0;          // poison that was on record, but before it the checkpoint
  int deadlines_told_again = 0;  // deadlines that had fired and were still listed
  int letters_left = 0;          // dead letters of a projection, to be released by the next process
  int letters_to_finish = 0;     // and one of them was in the rows already
};

/// Notes what the killed writer left: what was stored of consumers' effects beyond their checkpoints.
void note_loose_ends(const storage& left, consumer_kills& kills);

/// Lets consumers finish, deadlines included, and rebuilds every projection beside itself. Then checks that each of the
/// commands below `next` was stored, that everything that follows from an event has happened once, and that nothing
/// else has.
void settle_and_check(const std::filesystem::path& directory, std::uint64_t next);

}  // namespace tyto::test

// What one command costs whatever the machine: allocations here, instructions under callgrind (tools/cost).
#include <cstdint>
#include <semaphore>
#include <stdexcept>

#include "allocation_count.hpp"
#include "drive.hpp"
#include "note.hpp"
#include "scratch.hpp"
#include "tyto/runtime.hpp"
#include "workloads.hpp"

namespace bench {

measurement cost(const settings& how) {
  constexpr std::uint64_t map_bytes = std::uint64_t{1} << 33;  // valgrind leaves a process few addresses
  const scratch where;
  sender commands;
  tyto::runtime rt{where.open(how, map_bytes)};
  rt.aggregate<note>().start().value();
  const auto pick = round_robin(many_aggregates);
  for (std::uint64_t i = 0; i < many_aggregates; ++i) commands.send(rt, pick());  // brings them into memory
  commands.finish(rt);

  const auto before = allocations();
  for (std::uint64_t i = 0; i < how.commands; ++i) commands.send(rt, pick());
  commands.finish(rt);
  const auto taken = static_cast<double>(allocations() - before) / static_cast<double>(how.commands);
  // Of what the domain itself takes, the text of the event is on the heap.
  return {"cost", taken, "allocations", 1, "one allocation a command", "<= 4", {}};
}

}  // namespace bench

#include "caf_reference.hpp"

#include <unistd.h>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>
#include <cstdio>
#include <latch>
#include <stdexcept>
#include <vector>

namespace bench {

double caf_actor_bytes(std::size_t count) {
  caf::actor_system_config config;
  config.set("scheduler.policy", caf::atom("sharing"));
  caf::actor_system system{config};
  std::vector<caf::actor> all;
  all.reserve(count);
  std::latch reached{static_cast<std::ptrdiff_t>(count)};
  const auto before = resident_bytes();
  for (std::size_t i = 0; i < count; ++i) {
    all.push_back(system.spawn<caf::lazy_init>(
        [&reached](caf::event_based_actor*) -> caf::behavior { return {[&reached](int) { reached.count_down(); }}; }));
    caf::anon_send(all.back(), 1);
  }
  reached.wait();
  const auto bytes = static_cast<double>(resident_bytes() - before) / static_cast<double>(count);
  for (auto& each : all) caf::anon_send_exit(each, caf::exit_reason::kill);
  return bytes;
}

std::size_t resident_bytes() {
  auto* file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr) throw std::runtime_error("cannot read /proc/self/statm");
  unsigned long total = 0;
  unsigned long resident = 0;
  const int read = std::fscanf(file, "%lu %lu", &total, &resident);
  std::fclose(file);
  if (read != 2) throw std::runtime_error("cannot understand /proc/self/statm");
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace bench

#include "caf_reference.hpp"

#include <unistd.h>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <latch>
#include <semaphore>
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
    // With an argument, for CAF looks for arguments behind a null pointer where there are none.
    all.push_back(system.spawn<caf::lazy_init>(
        [](caf::event_based_actor*, std::latch* counting) -> caf::behavior {
          return {[counting](int) { counting->count_down(); }};
        },
        &reached));
    caf::anon_send(all.back(), 1);
  }
  reached.wait();
  const auto bytes = static_cast<double>(resident_bytes() - before) / static_cast<double>(count);
  for (auto& each : all) caf::anon_send_exit(each, caf::exit_reason::kill);
  return bytes;
}

class caf_pair::actors {
 public:
  actors() {
    receiver_ = system_.spawn<caf::detached>(
        [](caf::event_based_actor*, actors* pair) -> caf::behavior {
          return {[pair](std::int64_t sent_at) {
            pair->took_ns_ = now_ns() - sent_at;
            pair->arrived_.release();
          }};
        },
        this);
    sender_ = system_.spawn<caf::detached>(
        [](caf::event_based_actor* self, const caf::actor& to) -> caf::behavior {
          return {[self, to](int) { self->send(to, now_ns()); }};
        },
        receiver_);
  }
  ~actors() {
    caf::anon_send_exit(sender_, caf::exit_reason::kill);
    caf::anon_send_exit(receiver_, caf::exit_reason::kill);
  }
  actors(const actors&) = delete;
  actors& operator=(const actors&) = delete;

  double send_one() {
    caf::anon_send(sender_, 1);
    arrived_.acquire();
    return static_cast<double>(took_ns_) / 1'000;
  }

 private:
  static std::int64_t now_ns() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }

  caf::actor_system_config config_;
  caf::actor_system system_{config_};
  caf::actor receiver_;
  caf::actor sender_;
  std::int64_t took_ns_ = 0;
  std::binary_semaphore arrived_{0};
};

caf_pair::caf_pair() : actors_(std::make_unique<actors>()) {}

caf_pair::~caf_pair() = default;

double caf_pair::send_one() { return actors_->send_one(); }

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

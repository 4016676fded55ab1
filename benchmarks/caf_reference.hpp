// The yardstick of memory: actors of CAF that hold nothing.
#pragma once

#include <cstddef>
#include <memory>

namespace bench {

/// Returns how many bytes of resident memory one of `count` empty CAF actors takes.
double caf_actor_bytes(std::size_t count);

/// Two CAF actors, each with a thread of its own.
class caf_pair {
 public:
  caf_pair();
  ~caf_pair();
  caf_pair(const caf_pair&) = delete;
  caf_pair& operator=(const caf_pair&) = delete;

  /// Has one send the other a message; returns how many microseconds it takes to get there.
  double send_one();

 private:
  class actors;
  std::unique_ptr<actors> actors_;
};

/// Returns the bytes of memory that this process has resident.
std::size_t resident_bytes();

}  // namespace bench

// Records what this process writes to one file, and when it was synced, to make of it the files that losing power could
// have left.
#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "disk_calls.hpp"

namespace tyto::test {

struct disk_operation {
  enum class kind : std::uint8_t {
    write,         // on disk after the next sync, and maybe before
    synced_write,  // through a descriptor with O_DSYNC: on disk when it returns, but only itself
    resize,        // like a write
    sync,          // what was written before it is on disk
    acknowledge,   // not of the file: the test has been told that `offset` events are stored
  };
  kind what;
  std::uint64_t offset = 0;
  std::string bytes;
};

/// Records while it exists; one at a time.
class disk_recorder {
 public:
  explicit disk_recorder(const std::filesystem::path& file);

  /// Notes that `events` events are stored, as far as the store says.
  void acknowledge(std::uint64_t events);
  [[nodiscard]] std::vector<disk_operation> operations() const;

 private:
  void note(const disk_call& call, std::uint64_t done);

  mutable std::mutex mutex_;
  std::vector<disk_operation> operations_;
  watched_disk disk_;  // the last member: it calls note() until it is gone
};

/// Returns the content that a file which was `before` can have when power is lost after the first `count` operations:
/// everything that had been synced, and of the rest each page with a probability of `kept`.
std::string after_power_loss(std::string before, const std::vector<disk_operation>& operations, std::size_t count,
                             double kept, std::mt19937& random);

}  // namespace tyto::test

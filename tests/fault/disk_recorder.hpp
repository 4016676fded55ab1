// Records what this process writes to one file, and when it was synced, to make of it the files that losing power could
// have left. Can fail calls as a disk does that cannot write.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
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
    failed_sync,   // what was written before it may be on disk or not, and no later sync changes that
    failed_write,  // a synced_write that has failed: in memory, on disk maybe, and no later sync changes that
    acknowledge,   // not of the file: the test has been told that `offset` events are stored
  };
  kind what;
  std::uint64_t offset = 0;
  std::string bytes;
};

/// Returns with which errno a call fails, or 0. Called by one thread at a time.
using disk_failures = std::function<int(const disk_call&)>;

/// Records while it exists; one at a time. Nothing is synced meanwhile: only the recording knows of lost power.
class disk_recorder {
 public:
  /// Calls for the file fail as `failures` says. As on Linux, the file then reads as if nothing had failed.
  explicit disk_recorder(const std::filesystem::path& file, disk_failures failures = {});

  /// Notes that `events` events are stored, as far as the store says.
  void acknowledge(std::uint64_t events);
  [[nodiscard]] std::vector<disk_operation> operations() const;

 private:
  std::int64_t handle(const disk_call& call, const perform_call& perform);
  void note(const disk_call& call, std::uint64_t done);

  std::string path_;
  disk_failures failures_;

  mutable std::mutex mutex_;
  std::vector<disk_operation> operations_;
  watched_disk disk_;  // the last member: it calls handle() until it is gone
};

/// Returns the content that a file which was `before` can have when power is lost after the first `count` operations:
/// everything that had been synced, and of the rest each page with a probability of `kept`.
std::string after_power_loss(std::string before, const std::vector<disk_operation>& operations, std::size_t count,
                             double kept, std::mt19937& random);

}  // namespace tyto::test

// A disk that fails on demand: below one directory, at the n-th call of a kind, once or from then on.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <optional>

#include "disk_calls.hpp"

namespace tyto::test {

/// What happens to a call that fails.
enum class mishap {
  not_done,     // nothing
  half_done,    // a write is cut short, which its caller sees; other calls as above
  done_anyway,  // it is done, yet its caller sees an error; calls that fail after it are not done
};

struct disk_fault {
  std::optional<disk_call::kind> what;  // none: calls of every kind
  int code = 0;                         // the errno
  int at = 1;                           // the first such call to fail, counted from when the fault was set
  bool lasting = false;                 // so do all that follow
  mishap how = mishap::not_done;
};

/// While it exists. Syncs are never done: no test loses power here, and waiting for the disk takes most of the time.
class faulty_disk {
 public:
  explicit faulty_disk(std::filesystem::path directory);

  /// Fails calls from now on. Not while another thread uses the disk.
  void set(const disk_fault& fault);
  /// Fails no more calls.
  void heal() { healed_ = true; }
  /// How many calls have failed since set().
  [[nodiscard]] int failed() const { return failed_; }
  /// Called when a call fails, by the thread that called it. Must not throw.
  std::function<void()> when_failing;

 private:
  std::int64_t handle(const disk_call& call, const perform_call& perform);
  bool fails(const disk_call& call);

  std::filesystem::path directory_;
  disk_fault fault_;
  std::atomic<bool> healed_ = true;
  std::atomic<int> seen_ = 0;
  std::atomic<int> failed_ = 0;
  watched_disk disk_;  // the last member: it calls handle() until it is gone
};

}  // namespace tyto::test

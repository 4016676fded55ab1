// A progress bar for a person at a terminal; nothing at all for anybody else.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>

namespace shop {

struct progress_figures {
  double done = 0;  // from 0 to 1
  std::uint64_t events = 0;
};

/// Returns whether standard output and standard error are both terminals.
bool at_terminal();

/// Draws on standard error, from a thread of its own, until it goes out of scope and wipes itself away. Each drawing is
/// one write and changes no state of the terminal, so an interrupted program leaves nothing to repair.
class progress_bar {
 public:
  /// Calls `look` from its thread a few times a second, unless it is not `shown`.
  progress_bar(bool shown, std::function<progress_figures()> look);
  ~progress_bar();
  progress_bar(const progress_bar&) = delete;
  progress_bar& operator=(const progress_bar&) = delete;

 private:
  void run();

  std::function<progress_figures()> look_;
  std::mutex mutex_;
  std::condition_variable woken_;
  bool over_ = false;
  std::thread drawing_;
};

}  // namespace shop

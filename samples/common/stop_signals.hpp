// SIGINT, SIGTERM and SIGHUP as a request: a program that has something to put away notices it, puts it away, and then
// ends as the signal would have ended it. A second signal does that at once.
#pragma once

#include <signal.h>

#include <array>
#include <atomic>

namespace program {
namespace detail {

inline constexpr std::array stop_signals{SIGINT, SIGTERM, SIGHUP};
inline std::atomic<int> first_signal = 0;
static_assert(std::atomic<int>::is_always_lock_free, "a signal's handler may take no lock");

inline void note_signal(int number) {
  first_signal = number;
  for (const int each : stop_signals) {
    struct sigaction now {};
    sigaction(each, nullptr, &now);
    if (now.sa_handler == note_signal) signal(each, SIG_DFL);
  }
}

}  // namespace detail

/// From now on the first signal is only noted. One that is ignored stays so, as nohup wants it.
inline void note_stop_signals() {
  for (const int each : detail::stop_signals) {
    struct sigaction action {};
    sigaction(each, nullptr, &action);
    if (action.sa_handler == SIG_IGN) continue;
    action = {};
    action.sa_handler = detail::note_signal;
    action.sa_flags = SA_RESTART;
    sigaction(each, &action, nullptr);
  }
}

/// Returns the signal that was noted, or 0. Safe to call from any thread.
inline int noted_signal() { return detail::first_signal; }

/// Ends the program, without destructors, as the noted signal would have; does nothing if none was noted.
inline void end_by_noted_signal() {
  if (const int number = noted_signal(); number != 0) raise(number);
}

}  // namespace program

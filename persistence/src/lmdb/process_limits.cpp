#include "lmdb/process_limits.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <ctime>
#include <mutex>
#include <vector>

namespace tyto {
namespace {

// What all that exist share: who is first takes the descriptors, who is last gives them back.
struct reservation {
  std::mutex mutex;
  int users = 0;
  std::vector<int> taken;
};

reservation& shared_reservation() {
  static auto* const instance = new reservation;  // never destroyed: stores may live in other static objects
  return *instance;
}

sigset_t file_size_signal() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGXFSZ);
  return signals;
}

}  // namespace

reserved_standard_descriptors::reserved_standard_descriptors() {
  auto& shared = shared_reservation();
  const std::lock_guard lock{shared.mutex};
  if (++shared.users > 1) return;
  for (int number = STDIN_FILENO; number <= STDERR_FILENO; ++number) {
    if (::fcntl(number, F_GETFD) >= 0 || errno != EBADF) continue;
    const int taken = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    if (taken >= 0) shared.taken.push_back(taken);
  }
}

reserved_standard_descriptors::~reserved_standard_descriptors() {
  auto& shared = shared_reservation();
  const std::lock_guard lock{shared.mutex};
  if (--shared.users > 0) return;
  for (const int each : shared.taken) ::close(each);
  shared.taken.clear();
}

file_size_errors::file_size_errors() {
  const auto signals = file_size_signal();
  sigset_t before;
  sigemptyset(&before);
  ::pthread_sigmask(SIG_BLOCK, &signals, &before);
  was_blocked_ = sigismember(&before, SIGXFSZ) == 1;
}

file_size_errors::~file_size_errors() {
  if (!is_active_ || was_blocked_) return;
  const auto signals = file_size_signal();
  const timespec at_once{};
  while (::sigtimedwait(&signals, nullptr, &at_once) < 0 && errno == EINTR) continue;
  ::pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

}  // namespace tyto

#include "tyto/detail/owner_process.hpp"

#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <new>

namespace tyto::detail {
namespace {

std::atomic<unsigned> forks_so_far = 0;

// From the first call on; returns how many there have been.
unsigned count_forks() {
  [[maybe_unused]] static const bool counting = (at_fork(nullptr, nullptr, [] { ++forks_so_far; }), true);
  return forks_so_far;
}

}  // namespace

void at_fork(void (*before)(), void (*in_parent)(), void (*in_child)()) {
  if (::pthread_atfork(before, in_parent, in_child) != 0) throw std::bad_alloc{};
}

owner_process::owner_process() : process_(::getpid()), forks_(count_forks()) {}

bool owner_process::is_this() const { return forks_ == forks_so_far.load(std::memory_order_relaxed); }

error owner_process::refusal(const std::string& doing, const std::string& what) const {
  return {errc::locked, doing,
          what + " belongs to process " + std::to_string(process_) +
              ", of which this one is a forked child: let the child open its own, or start it with exec"};
}

}  // namespace tyto::detail

#include "allocation_count.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

// A line of the cache for each thread, so that counting costs the workloads next to nothing.
struct alignas(64) count {
  std::atomic<std::uint64_t> calls = 0;
};
constinit std::array<count, 64> counts;
constinit std::atomic<std::size_t> threads = 0;

count& of_this_thread() {
  thread_local const std::size_t number = threads++;
  return counts[number % counts.size()];
}

void* take(std::size_t bytes, std::size_t alignment) {
  of_this_thread().calls.fetch_add(1, std::memory_order_relaxed);
  void* const taken = alignment <= alignof(std::max_align_t)
                          ? std::malloc(bytes)
                          : std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  if (taken == nullptr) throw std::bad_alloc{};
  return taken;
}

}  // namespace

namespace bench {

std::uint64_t allocations() {
  std::uint64_t all = 0;
  for (const auto& each : counts) all += each.calls;
  return all;
}

}  // namespace bench

// All other forms of new and delete end up in these.
void* operator new(std::size_t bytes) { return take(bytes, 1); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return take(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* taken) noexcept { std::free(taken); }
void operator delete(void* taken, std::size_t) noexcept { std::free(taken); }
void operator delete(void* taken, std::align_val_t) noexcept { std::free(taken); }
void operator delete(void* taken, std::size_t, std::align_val_t) noexcept { std::free(taken); }

#include "fiber.hpp"

#include <cxxabi.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <system_error>
#include <utility>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#define TYTO_TELLS_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TYTO_TELLS_ADDRESS_SANITIZER 1
#endif
#endif
#ifdef TYTO_TELLS_ADDRESS_SANITIZER
#include <sanitizer/common_interface_defs.h>
#endif

namespace tyto::testing {
namespace {

// Memory that is not touched costs nothing, so handlers of users may have as much as threads give them by default.
constexpr std::size_t stack_bytes = std::size_t{4} << 20;

void* map_stack() {
  const auto guard = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  void* mapped =
      ::mmap(nullptr, stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  // The lowest page ends the program if the stack overflows.
  if (mapped == MAP_FAILED || ::mprotect(mapped, guard, PROT_NONE) != 0) {
    throw std::system_error{errno, std::generic_category(), "tyto: mapping the stack of a simulated thread"};
  }
  return mapped;
}

// Stacks that this thread has used: a world needs some, and there are thousands of worlds.
class unused_stacks {
 public:
  unused_stacks() = default;
  ~unused_stacks() {
    for (auto* each : all_) ::munmap(each, stack_bytes);
  }
  unused_stacks(const unused_stacks&) = delete;
  unused_stacks& operator=(const unused_stacks&) = delete;

  void* take() {
    if (all_.empty()) return map_stack();
    auto* last = all_.back();
    all_.pop_back();
    return last;
  }
  void give_back(void* stack) { all_.push_back(stack); }

 private:
  std::vector<void*> all_;
};

thread_local unused_stacks stacks;

void start_switch([[maybe_unused]] void** kept, [[maybe_unused]] const void* bottom,
                  [[maybe_unused]] std::size_t size) {
#ifdef TYTO_TELLS_ADDRESS_SANITIZER
  __sanitizer_start_switch_fiber(kept, bottom, size);
#endif
}

void finish_switch([[maybe_unused]] void* kept, [[maybe_unused]] const void** bottom,
                   [[maybe_unused]] std::size_t* size) {
#ifdef TYTO_TELLS_ADDRESS_SANITIZER
  __sanitizer_finish_switch_fiber(kept, bottom, size);
#endif
}

}  // namespace

fiber::fiber() : stack_(stacks.take()) {
  ::getcontext(&inside_);
  inside_.uc_stack.ss_sp = stack_;
  inside_.uc_stack.ss_size = stack_bytes;
  const auto self = reinterpret_cast<std::uintptr_t>(this);
  ::makecontext(&inside_, reinterpret_cast<void (*)()>(&fiber::enter), 2, static_cast<unsigned>(self >> 32),
                static_cast<unsigned>(self));
}

fiber::~fiber() { stacks.give_back(stack_); }

void fiber::enter(unsigned high, unsigned low) {
  auto* const self = reinterpret_cast<fiber*>((static_cast<std::uintptr_t>(high) << 32) | low);
  finish_switch(self->fake_stack_, &self->outside_bottom_, &self->outside_size_);
  self->loop();
}

void fiber::loop() {
  for (;;) {
    body_();
    body_ = nullptr;
    switch_out();
  }
}

void fiber::run(std::function<void()> body) {
  body_ = std::move(body);
  switch_in();
}

void fiber::resume() { switch_in(); }

void fiber::suspend() { switch_out(); }

// The exceptions that are being handled here stay here.
void fiber::switch_in() {
  exceptions outside{};
  auto* const now = abi::__cxa_get_globals();
  std::memcpy(outside.data(), now, outside.size());
  std::memcpy(static_cast<void*>(now), under_way_.data(), under_way_.size());
  void* kept = nullptr;
  start_switch(&kept, stack_, stack_bytes);
  ::swapcontext(&outside_, &inside_);
  finish_switch(kept, nullptr, nullptr);
  std::memcpy(under_way_.data(), now, under_way_.size());
  std::memcpy(static_cast<void*>(now), outside.data(), outside.size());
}

void fiber::switch_out() {
  start_switch(&fake_stack_, outside_bottom_, outside_size_);
  ::swapcontext(&inside_, &outside_);
  finish_switch(fake_stack_, &outside_bottom_, &outside_size_);
}

}  // namespace tyto::testing

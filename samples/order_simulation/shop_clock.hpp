// The shop's clock: that of the operating system, which the driver puts forward instead of waiting for minutes.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <tyto/clock.hpp>

namespace shop {

/// Safe to use from any thread.
class shop_clock final : public tyto::clock {
 public:
  [[nodiscard]] tyto::timestamp now() const noexcept override {
    return tyto::system_clock()->now() + std::chrono::microseconds{ahead_us_.load()};
  }
  void put_forward(std::chrono::microseconds by) { ahead_us_ += by.count(); }

 private:
  std::atomic<std::int64_t> ahead_us_{0};
};

}  // namespace shop

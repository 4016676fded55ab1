#include "tyto/clock.hpp"

namespace tyto {
namespace {

class operating_system_clock final : public clock {
 public:
  [[nodiscard]] timestamp now() const noexcept override {
    return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
  }
};

}  // namespace

std::shared_ptr<const clock> system_clock() {
  static const auto instance = std::make_shared<const operating_system_clock>();
  return instance;
}

}  // namespace tyto

#pragma once

#include <chrono>

namespace tyto::test {

/// How long a test waits for what takes milliseconds on a quiet machine. Only a defect lets it pass.
inline constexpr std::chrono::minutes long_enough{10};

}  // namespace tyto::test

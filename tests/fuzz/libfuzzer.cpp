// The way in for libFuzzer, which finds inputs by what they reach in the code.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>

#include "harness.hpp"

void tyto::fuzz::require(bool holds, std::string_view what) {
  if (holds) return;
  std::cerr << "does not hold: " << what << '\n';
  std::abort();
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tyto::fuzz::run({reinterpret_cast<const char*>(data), size});
  return 0;
}

// Integer arithmetic that gives the same results with every compiler and standard library; those of <random>'s
// distributions differ.
#pragma once

#include <cstdint>
#include <string_view>

namespace shop {

/// Returns `value` with its bits well mixed (the finalizer of SplitMix64).
constexpr std::uint64_t mix(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

/// Returns a hash of `text` that depends on `seed` (FNV-1a, mixed).
constexpr std::uint64_t hash(std::string_view text, std::uint64_t seed) {
  std::uint64_t value = 0xcbf29ce484222325 ^ mix(seed);
  for (const char c : text) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return mix(value);
}

/// Returns a number of [0, 1) for `text` that depends on `seed`: the upper 53 bits of a hash fill a double exactly.
constexpr double draw(std::string_view text, std::uint64_t seed) {
  return static_cast<double>(hash(text, seed) >> 11) * 0x1p-53;
}

/// A stream of numbers that depends on a seed only.
class number_stream {
 public:
  explicit constexpr number_stream(std::uint64_t seed) : seed_(seed) {}

  /// Returns a number from `low` to `high`. The remainder favours some by less than one in 2^50, which is no matter
  /// here.
  constexpr std::int64_t between(std::int64_t low, std::int64_t high) {
    const auto span = static_cast<std::uint64_t>(high - low) + 1;
    return low + static_cast<std::int64_t>(mix(seed_ + drawn_++ * 0x9e3779b97f4a7c15) % span);
  }

 private:
  std::uint64_t seed_;
  std::uint64_t drawn_ = 0;
};

}  // namespace shop

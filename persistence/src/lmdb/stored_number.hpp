// Numbers as they lie in keys and values: u64, little-endian, which is the machine's own form (see lmdb.cpp).
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace tyto {

/// Returns the stored form of `number`, which is lent.
inline std::string_view as_key(const std::uint64_t& number) {
  return {reinterpret_cast<const char*>(&number), sizeof number};
}

/// Returns the number that `bytes` begin with; missing bytes count as zero.
inline std::uint64_t number_in(std::string_view bytes) {
  std::uint64_t number = 0;
  std::memcpy(&number, bytes.data(), std::min(bytes.size(), sizeof number));
  return number;
}

}  // namespace tyto

// Stands in for the bank: declines a share of the payments. Which ones is a matter of the order's number and the seed
// alone, so that every run, and every retry within one, gets the same answer.
#pragma once

#include <cstdint>
#include <string_view>

#include "hash.hpp"

namespace shop {

struct payment_gateway {
  std::uint64_t seed = 0;
  double decline_rate = 0;  // from 0 (none) to 1 (all)

  [[nodiscard]] bool approves(std::string_view order_id) const {
    // The upper 53 bits fill a double exactly: a number of [0, 1) that is the same everywhere.
    const double drawn = static_cast<double>(hash(order_id, seed) >> 11) * 0x1p-53;
    return drawn >= decline_rate;
  }
};

}  // namespace shop

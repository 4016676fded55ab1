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

  [[nodiscard]] bool approves(std::string_view order_id) const { return draw(order_id, seed) >= decline_rate; }
};

}  // namespace shop

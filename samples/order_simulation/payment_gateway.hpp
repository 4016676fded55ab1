// Stands in for the bank: declines a share of the payments, and never answers to another. Which ones is a matter of the
// order's number and the seed alone, so that every run, and every retry within one, gets the same answer.
#pragma once

#include <cstdint>
#include <string_view>

#include "hash.hpp"

namespace shop {

enum class bank_answer : std::uint8_t { approved, declined, none };

struct payment_gateway {
  std::uint64_t seed = 0;
  double decline_rate = 0;  // from 0 (none) to 1 (all)
  double lost_rate = 0;     // of the others, from 0 to 1

  [[nodiscard]] bank_answer answer(std::string_view order_id) const {
    constexpr std::uint64_t which_get_lost = 3;  // a draw of its own
    if (draw(order_id, seed) < decline_rate) return bank_answer::declined;
    if (draw(order_id, mix(seed) + which_get_lost) < lost_rate) return bank_answer::none;
    return bank_answer::approved;
  }
};

}  // namespace shop

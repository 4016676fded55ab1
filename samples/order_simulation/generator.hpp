// Makes invoices out of a seed: the same ones with every compiler, in every run, each for itself, so that any number of
// them takes no memory.
#pragma once

#include <cstdint>

#include "invoice.hpp"

namespace shop {

/// Returns order number `index`, counted from 1. Its number names the seed too: "S42-0000001".
invoice generate_order(std::uint64_t seed, std::uint64_t index);

/// Returns a return of some of the goods of one of the orders from `index` - 49 to `index`: "CS42-0000031".
invoice generate_return(std::uint64_t seed, std::uint64_t index);

/// Returns a source of `orders` orders, and a return after every 50th.
invoice_source generate(std::uint64_t seed, std::uint64_t orders);

}  // namespace shop

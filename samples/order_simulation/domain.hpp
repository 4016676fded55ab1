// The domain of the sample: a shop that sells, charges, reserves and takes back. Four aggregates, values and pure
// functions only; how they react to one another is in consumers.hpp.
#pragma once

#include "domain/goods_return.hpp"
#include "domain/order.hpp"
#include "domain/payment.hpp"
#include "domain/stock.hpp"

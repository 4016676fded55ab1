// The domain of the sample: a shop that sells, charges, reserves and takes back. Four aggregates and the process
// manager between three of them, values and pure functions only; the other consumers are in consumers.hpp.
#pragma once

#include "domain/fulfilment.hpp"
#include "domain/goods_return.hpp"
#include "domain/order.hpp"
#include "domain/payment.hpp"
#include "domain/stock.hpp"

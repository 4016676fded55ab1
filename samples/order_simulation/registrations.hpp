// What the simulation registers with its runtime: the shop's aggregates and consumers, with what these need besides.
#pragma once

#include <memory>

#include "mail_server.hpp"
#include "payment_gateway.hpp"

namespace tyto {
class runtime;
}

namespace shop {

/// Registers the shop with a runtime that has not been started yet.
void register_domain(tyto::runtime& rt, const payment_gateway& gateway, const std::shared_ptr<mail_server>& mail);

}  // namespace shop

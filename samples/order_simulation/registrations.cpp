#include "registrations.hpp"

#include <tyto/runtime.hpp>

#include "consumers.hpp"
#include "domain.hpp"

namespace shop {

void register_domain(tyto::runtime& rt, const payment_gateway& gateway, const std::shared_ptr<mail_server>& mail) {
  rt.aggregate<order>().aggregate<payment>().aggregate<stock>().aggregate<goods_return>();
  rt.reaction(billing{gateway}).reaction(inventory{}).reaction(notification{mail});
  rt.process_manager<fulfilment>();
  rt.projection<order_summary>();
}

}  // namespace shop

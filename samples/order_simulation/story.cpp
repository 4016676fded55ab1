#include "story.hpp"

#include <tyto/event.hpp>
#include <utility>

#include "domain/order.hpp"

namespace shop {
namespace {

// A reaction's commands name their cause as "consumer/position"; the driver's name none.
std::string who_caused(const tyto::metadata& event) {
  const auto slash = event.causation_id.rfind('/');
  return slash == std::string::npos ? "customer" : event.causation_id.substr(0, slash);
}

}  // namespace

void story_collector::take(const tyto::metadata& event) {
  if (!order_id_.empty() && event.correlation_id != order_id_) return;
  story_event told{event.position, event.time, event.type, event.persistence_id, who_caused(event)};
  if (!order_id_.empty()) return events_.push_back(std::move(told));

  candidates_[event.correlation_id].push_back(std::move(told));
  if (event.type != tyto::stored_name<order_completed>) return;
  order_id_ = event.correlation_id;
  events_ = std::move(candidates_[order_id_]);
  candidates_.clear();
}

}  // namespace shop

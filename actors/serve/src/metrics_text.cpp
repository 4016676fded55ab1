#include "metrics_text.hpp"

#ifdef TYTO_HAS_METRICS
#include <prometheus/text_serializer.h>

#include "metric_families.hpp"
#endif

namespace tyto::detail {

std::optional<std::string> metrics_text([[maybe_unused]] served& what) {
#ifdef TYTO_HAS_METRICS
  const auto families = metric_families(what.ask({{"do", "status"}}), what.ask({{"do", "health"}}), what.stores());
  return prometheus::TextSerializer{}.Serialize(families);
#else
  return std::nullopt;
#endif
}

}  // namespace tyto::detail

// The figures by name, and where each comes from. The names follow prometheus.io/docs/practices/naming.
#pragma once

#include <prometheus/metric_family.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "tyto/storage.hpp"

namespace tyto::detail {

/// Makes the figures of what a runtime has answered to the requests "status" and "health" (docs/control-socket.md), and
/// of what `stores` says. Answers that are refusals say nothing: then no runtime runs, and the figures of the storage
/// are all that there is.
std::vector<prometheus::MetricFamily> metric_families(const nlohmann::ordered_json& status,
                                                      const nlohmann::ordered_json& health, const storage& stores);

}  // namespace tyto::detail

// What is served as figures for Prometheus.
#pragma once

#include <optional>
#include <string>

#include "served.hpp"

namespace tyto::detail {

/// Returns the figures in Prometheus's text format, 0.0.4; none if the program was built without prometheus-cpp.
std::optional<std::string> metrics_text(served& what);

}  // namespace tyto::detail

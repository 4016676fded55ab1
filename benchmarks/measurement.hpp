// What a workload measured, beside the reference that was measured in the same run; printed as text or JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tyto/lmdb_store.hpp"

namespace bench {

struct latencies {
  double p50_us = 0;
  double p99_us = 0;
  double p999_us = 0;
};

struct measurement {
  std::string workload;
  double figure = 0;
  std::string unit;
  double reference = 0;
  std::string reference_is;
  std::string reach;  // what the ratio of figure to reference should be, for example ">= 2.0"
  std::optional<latencies> latency;

  [[nodiscard]] double ratio() const { return reference == 0 ? 0 : figure / reference; }
};

struct settings {
  double seconds = 8;
  std::uint64_t commands = 100'000;
  std::uint64_t millions = 20;
  tyto::durability durability = tyto::durability::synced;
};

/// Returns the percentiles of `microseconds`, of which there must be at least one.
latencies percentiles(std::vector<double> microseconds);

std::string to_text(const measurement& measured, const settings& how);
std::string to_json(const std::vector<measurement>& measured, const settings& how);

}  // namespace bench

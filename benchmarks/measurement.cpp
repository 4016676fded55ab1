#include "measurement.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace bench {

latencies percentiles(std::vector<double> microseconds) {
  std::ranges::sort(microseconds);
  const auto at = [&](double share) {
    return microseconds[static_cast<std::size_t>(share * static_cast<double>(microseconds.size() - 1))];
  };
  return {at(0.5), at(0.99), at(0.999)};
}

std::string to_text(const measurement& m, const settings& how) {
  auto text =
      fmt::format("{:<13} {:>12.4g} {:<10} {:>12.4g} {:<34} ratio {:>8.3g}  reach {:<8} {}", m.workload, m.figure,
                  m.unit, m.reference, m.reference_is, m.ratio(), m.reach, tyto::name(how.durability));
  if (m.latency) {
    text += fmt::format("  p50 {:.0f} us, p99 {:.0f} us, p99.9 {:.0f} us", m.latency->p50_us, m.latency->p99_us,
                        m.latency->p999_us);
  }
  return text;
}

std::string to_json(const std::vector<measurement>& measured, const settings& how) {
  using json = nlohmann::ordered_json;
  json list = json::array();
  for (const auto& m : measured) {
    json one{{"workload", m.workload},
             {"figure", m.figure},
             {"unit", m.unit},
             {"reference", m.reference},
             {"reference_is", m.reference_is},
             {"ratio", m.ratio()},
             {"reach", m.reach},
             {"durability", tyto::name(how.durability)}};
    if (m.latency) {
      one["p50_us"] = m.latency->p50_us;
      one["p99_us"] = m.latency->p99_us;
      one["p999_us"] = m.latency->p999_us;
    }
    list.push_back(std::move(one));
  }
  return (measured.size() == 1 ? list.front() : list).dump(2);
}

}  // namespace bench

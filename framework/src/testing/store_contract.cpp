#include "tyto/testing/store_contract.hpp"

#include <algorithm>
#include <iterator>
#include <stdexcept>

#include "testing/contract_run.hpp"

namespace tyto::testing {

std::string_view name(capability what) {
  switch (what) {
    case capability::concurrent_reads:
      return "concurrent_reads";
    case capability::read_models:
      return "read_models";
    case capability::snapshots:
      return "snapshots";
    case capability::retention:
      return "retention";
    case capability::reopening:
      return "reopening";
    case capability::power_loss:
      return "power_loss";
  }
  return "?";
}

void store_under_test::lose_power() {
  throw std::logic_error("tyto: a store with capability::power_loss needs a lose_power() of its own");
}

bool contract_check::applies_to(const store_factory& store) const {
  return std::includes(store.can.begin(), store.can.end(), needs.begin(), needs.end());
}

const std::vector<contract_check>& store_contract() {
  static const std::vector<contract_check> all = [] {
    std::vector<contract_check> checks;
    for (auto&& part : {event_store_contract(), retention_contract(), read_model_contract(), snapshot_contract()}) {
      checks.insert(checks.end(), part.begin(), part.end());
    }
    return checks;
  }();
  return all;
}

std::vector<std::string> check_store(const store_factory& store) {
  std::vector<std::string> findings;
  for (const auto& check : store_contract()) {
    if (!check.applies_to(store)) continue;
    for (const auto& finding : check.run(store)) findings.push_back(check.name + ": " + finding);
  }
  return findings;
}

}  // namespace tyto::testing

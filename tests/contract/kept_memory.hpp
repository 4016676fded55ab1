// Storage in memory that is still there when it is opened again, as if it were on a disk: what the contract's checks of
// reopening and of losing power are tried on.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "contract/faulty_ports.hpp"
#include "support/forgetful_rows.hpp"
#include "tyto/memory_store.hpp"
#include "tyto/testing/store_contract.hpp"

namespace tyto::test {

class kept_memory final : public testing::store_under_test {
 public:
  /// `faults` returns what is wrong with the storage, the first time that it is opened, the second and so on, from 1.
  explicit kept_memory(std::function<port_faults(int opening)> faults) : faults_(std::move(faults)) {
    kept_.read_models = rows_;
  }

  storage open() override { return with_faults(kept_, faults_(++openings_)); }
  void lose_power() override { rows_->lose_power(); }

 private:
  std::shared_ptr<forgetful_rows> rows_ = std::make_shared<forgetful_rows>();
  storage kept_ = open_memory();
  std::function<port_faults(int)> faults_;
  int openings_ = 0;
};

/// Returns a factory of kept_memory, which has every capability.
inline testing::store_factory kept_memory_factory(std::function<port_faults(int opening)> faults) {
  testing::store_factory factory;
  factory.make = [faults = std::move(faults)] { return std::make_unique<kept_memory>(faults); };
  factory.can.insert(testing::capability::power_loss);
  return factory;
}

}  // namespace tyto::test

// Who writes a store puts it to the contract of the ports, without a test framework. docs/writing-a-store.md has it.
#include <iostream>
#include <memory>
#include <tyto/memory_store.hpp>
#include <tyto/testing/store_contract.hpp>

namespace {

// A store that hands everything on to one in memory.
class my_place final : public tyto::testing::store_under_test {
 public:
  tyto::storage open() override { return tyto::open_memory(); }
};

tyto::testing::store_factory my_store() {
  tyto::testing::store_factory factory;
  factory.make = [] { return std::make_unique<my_place>(); };
  factory.can.erase(tyto::testing::capability::reopening);
  return factory;
}

}  // namespace

int main() {
  const auto findings = tyto::testing::check_store(my_store());
  for (const auto& finding : findings) std::cout << finding << "\n";
  return findings.empty() ? 0 : 1;
}

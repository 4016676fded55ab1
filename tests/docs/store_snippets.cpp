// What docs/writing-a-store.md shows for Catch2: check_readme.py looks for its blocks here.
#include <memory>
#include <string>
#include <tyto/lmdb_store.hpp>
#include <tyto/testing/store_contract.hpp>
#include <vector>

#include "support/catch.hpp"
#include "support/temporary_directory.hpp"

namespace {

using tyto::test::temporary_directory;

tyto::result<tyto::storage> open_my_store(const std::filesystem::path& path) {
  return tyto::open_lmdb({.path = path, .mode = tyto::durability::relaxed});
}

class my_place final : public tyto::testing::store_under_test {
 public:
  tyto::storage open() override { return open_my_store(directory_.path()).value(); }

 private:
  temporary_directory directory_;  // goes with the place
};

tyto::testing::store_factory my_store() {
  tyto::testing::store_factory factory;
  factory.make = [] { return std::make_unique<my_place>(); };
  return factory;
}

}  // namespace

TEST_CASE("My store keeps what Tyto's ports promise") {
  const auto store = my_store();
  for (const auto& check : tyto::testing::store_contract()) {
    if (!check.applies_to(store)) continue;
    DYNAMIC_SECTION(check.name) { CHECK(check.run(store) == std::vector<std::string>{}); }
  }
}

// Stores that break one promise each, and the checks of the contract that say so: a check that finds nothing wrong with
// any store would be worth nothing.
#include "contract/broken_stores.hpp"

#include <set>
#include <stdexcept>

#include "contract/kept_memory.hpp"
#include "support/catch.hpp"

using namespace tyto;
using namespace tyto::test;
using tyto::testing::capability;
using tyto::testing::contract_check;
using tyto::testing::store_contract;
using findings = std::vector<std::string>;

namespace {

const contract_check& check_named(const std::string& name) {
  for (const auto& check : store_contract()) {
    if (check.name == name) return check;
  }
  throw std::out_of_range("there is no check '" + name + "'");
}

port_faults nothing_wrong(int) { return {}; }

}  // namespace

TEST_CASE("A store that breaks a promise is found by the check of that promise") {
  for (const auto& broken : broken_stores()) {
    DYNAMIC_SECTION("a store that " << broken.what) {
      auto store = kept_memory_factory(broken.faults);
      store.patience = std::chrono::milliseconds{100};  // nothing that calls back here does so later
      const auto& check = check_named(broken.check);
      REQUIRE(check.applies_to(store));
      CHECK(check.run(store) != findings{});
    }
  }
}

TEST_CASE("Every check finds some store that breaks its promise") {
  std::set<std::string> names;
  for (const auto& broken : broken_stores()) names.insert(broken.check);
  for (const auto& check : store_contract()) {
    INFO(check.name);
    CHECK(names.count(check.name) == 1);
  }
}

TEST_CASE("No two checks have the same name") {
  std::set<std::string> names;
  for (const auto& check : store_contract()) CHECK(names.insert(check.name).second);
}

TEST_CASE("A finding says what was found and what must be") {
  const auto store = kept_memory_factory([](int) {
    return port_faults{.head = [](const event_store&) -> result<std::uint64_t> { return std::uint64_t{7}; }};
  });
  CHECK(check_named("A new journal is empty").run(store) == findings{"the head of a new journal: found 7, must be 0"});
}

TEST_CASE("A store that fails, throws or cannot be opened is a finding, not the end of the checks") {
  const auto& check = check_named("A new journal is empty");
  const auto findings_of = [&](std::function<result<std::uint64_t>(const event_store&)> head) {
    return check.run(kept_memory_factory([head](int) { return port_faults{.head = head}; }));
  };
  CHECK(findings_of([](const event_store&) {
          return error{errc::io, "looking for the head"};
        }) == findings{"the check ended early: looking for the head: io"});
  CHECK(findings_of([](const event_store&) -> result<std::uint64_t> { throw std::runtime_error("no disk"); }) ==
        findings{"the check ended early: no disk"});
  testing::store_factory closed;
  closed.make = []() -> std::unique_ptr<testing::store_under_test> { throw std::runtime_error("no room"); };
  CHECK(check.run(closed) == findings{"the check ended early: no room"});
}

TEST_CASE("A store that gives nothing where something must be is a finding") {
  const findings no_place{"the check ended early: store_factory::make has made no place for a store"};
  testing::store_factory none;
  CHECK(check_named("A new journal is empty").run(none) == no_place);
  none.make = [] { return nullptr; };
  CHECK(check_named("A new journal is empty").run(none) == no_place);

  const auto no_snapshot = kept_memory_factory([](int) {
    return port_faults{.snapshot = [](read_model_store&, std::string_view) {
      return result<std::unique_ptr<row_snapshot>>{std::unique_ptr<row_snapshot>{}};
    }};
  });
  CHECK(check_named("A read model that was never committed is empty at position 0").run(no_snapshot) ==
        findings{"the check ended early: a snapshot of the read model 'revenue' is null"});
}

TEST_CASE("What a store throws on a thread of a check is a finding") {
  const auto broken = kept_memory_factory([](int) {
    return port_faults{.commit = [](read_model_store&, std::string_view, const row_changes&,
                                    const row_checkpoint&) -> result<void> { throw std::runtime_error("no rows"); },
                       .save = [](snapshot_store&, const std::vector<snapshot>&) -> result<void> {
                         throw std::runtime_error("no snapshots");
                       }};
  });
  CHECK(check_named("Threads commit and read read models of their own at the same time").run(broken) ==
        findings{"the check ended early: no rows"});
  CHECK(check_named("Threads save and load snapshots at the same time").run(broken) ==
        findings{"the check ended early: no snapshots"});
}

TEST_CASE("Checks that need what a store lacks do not apply to it, and the others are run") {
  auto store = kept_memory_factory(nothing_wrong);
  store.can.clear();
  std::size_t applying = 0;
  for (const auto& check : store_contract()) {
    CHECK(check.applies_to(store) == check.needs.empty());
    applying += check.applies_to(store) ? 1 : 0;
  }
  CHECK(applying > 20);
  CHECK(testing::check_store(store) == findings{});
}

TEST_CASE("What a whole run finds stands behind the check's name") {
  auto store = kept_memory_factory([](int) {
    return port_faults{.condition = [] { return storage_condition{.files = error{errc::io, "looking"}}; }};
  });
  store.can.clear();
  CHECK(testing::check_store(store) == findings{"A journal in use finds its files in place: the condition of a "
                                                "journal that is in use fails: looking: io"});
}

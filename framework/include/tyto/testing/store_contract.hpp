// What the storage ports promise, as checks for whoever writes a store: event_store.hpp, read_model_store.hpp and
// snapshot_store.hpp, sentence by sentence. They need no test framework; docs/writing-a-store.md shows how to run them.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tyto/storage.hpp"

namespace tyto::testing {

/// What a store may lack. A check that needs what a store lacks does not apply to it.
enum class capability : std::uint8_t {
  concurrent_reads,  // reads from other threads while an append is under way; a runtime needs it
  read_models,       // storage::read_models; projections need it
  snapshots,         // storage::snapshots
  retention,         // streams can be closed, truncated and deleted
  reopening,         // what was acknowledged is there when the store is opened again
  power_loss,        // store_under_test::lose_power() can be called
};

/// Returns the name, for example "concurrent_reads".
std::string_view name(capability what);

/// Up to which size a store takes what it is given. What is as long as the limit must come back whole, and what is one
/// longer must fail with errc::invalid_argument. Without a limit neither is tried. The limits of persistence ids
/// and row keys are the same for every store: max_persistence_id_bytes and max_row_key_bytes.
struct store_limits {
  std::optional<std::size_t> name_bytes = 500;              // of checkpoints and read models
  std::optional<std::size_t> field_bytes = 0xffff;          // of each string in an event's metadata
  std::optional<std::size_t> tags = 0xffff;                 // of one event
  std::optional<std::size_t> payload_bytes = {};            // of an event
  std::size_t tried_payload_bytes = std::size_t{16} << 20;  // payloads, row values and images up to this are tried
  std::size_t tried_events = 0x1'0001;                      // of one write, and so many of a stream, are tried
};

/// One place where storage is kept: a directory, a database, a piece of memory. Whoever writes a store derives from it.
/// Whatever goes wrong can be thrown; it becomes a finding.
class store_under_test {
 public:
  store_under_test() = default;
  store_under_test(const store_under_test&) = delete;
  store_under_test& operator=(const store_under_test&) = delete;
  virtual ~store_under_test() = default;

  /// Returns the storage that is kept here: empty the first time, then with what was acknowledged. It is called again
  /// only with capability::reopening or power_loss, when nothing has a hold on what it returned before.
  virtual storage open() = 0;

  /// Loses what the machine would lose if its power failed at this moment, at worst. What is open is then given back
  /// without another call, and open() is called again. Called only with capability::power_loss; unless it is replaced,
  /// it throws.
  virtual void lose_power();
};

/// A kind of store, as its author describes it.
struct store_factory {
  /// Returns a new place where nothing is stored, apart from all others that were returned; never null.
  std::function<std::unique_ptr<store_under_test>()> make;
  std::set<capability> can = {capability::concurrent_reads, capability::read_models, capability::snapshots,
                              capability::retention, capability::reopening};
  store_limits limits = {};
  /// How long an append may take before it counts as one that never calls back.
  std::chrono::milliseconds patience = std::chrono::minutes{5};
};

/// One promise.
struct contract_check {
  std::string name;  // the promise, in a sentence
  std::set<capability> needs;
  /// Puts new stores to it and returns what does not hold, a text each; empty: the promise is kept. What the store or
  /// its factory throws is a text, too. Call it only if the check applies to the store.
  std::function<std::vector<std::string>(const store_factory& store)> run;

  /// Returns whether `store` has what the check needs.
  [[nodiscard]] bool applies_to(const store_factory& store) const;
};

/// Returns all checks. Their names differ.
const std::vector<contract_check>& store_contract();

/// Runs all checks that apply to `store` and returns what does not hold, each text behind its check's name.
std::vector<std::string> check_store(const store_factory& store);

}  // namespace tyto::testing

// Which storage the runtimes of this process use. A journal has one writer, and its owner knows what comes next: of two
// runtimes over one journal each would be wrong about it.
#pragma once

#include <array>

#include "tyto/result.hpp"
#include "tyto/storage.hpp"

namespace tyto::detail {

/// Held by the runtime that uses a storage; given up when it ends.
class storage_claim {
 public:
  storage_claim() = default;
  storage_claim(storage_claim&& other) noexcept;
  storage_claim& operator=(storage_claim&& other) noexcept;
  ~storage_claim();

  /// Fails with errc::locked if another runtime of this process has claimed the journal or the read models, which must
  /// outlive the claim: of a storage with upcasters, only the read models are those of the storage below.
  static result<storage_claim> take(const storage& stores);

 private:
  explicit storage_claim(const storage& stores) : claimed_{stores.journal.get(), stores.read_models.get()} {}

  std::array<const void*, 2> claimed_{};
};

}  // namespace tyto::detail

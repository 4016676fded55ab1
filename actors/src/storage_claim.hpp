// Which storage the runtimes of this process use. A journal has one writer, and its owner knows what comes next: of two
// runtimes over one journal each would be wrong about it.
#pragma once

#include "tyto/event_store.hpp"
#include "tyto/result.hpp"

namespace tyto::detail {

/// Held by the runtime that uses a journal; given up when it ends.
class storage_claim {
 public:
  storage_claim() = default;
  storage_claim(storage_claim&& other) noexcept;
  storage_claim& operator=(storage_claim&& other) noexcept;
  ~storage_claim();

  /// Fails with errc::locked if another runtime of this process has claimed `journal`, which must outlive the claim.
  static result<storage_claim> take(const event_store& journal);

 private:
  explicit storage_claim(const event_store& journal) : journal_(&journal) {}

  const event_store* journal_ = nullptr;
};

}  // namespace tyto::detail

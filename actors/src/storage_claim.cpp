#include "storage_claim.hpp"

#include <mutex>
#include <set>
#include <utility>

namespace tyto::detail {
namespace {

struct claims {
  std::mutex mutex;
  std::set<const event_store*> all;

  static claims& instance() {
    static auto* const made = new claims;  // never destroyed: runtimes may live in static objects
    return *made;
  }
};

}  // namespace

storage_claim::storage_claim(storage_claim&& other) noexcept : journal_(std::exchange(other.journal_, nullptr)) {}

storage_claim& storage_claim::operator=(storage_claim&& other) noexcept {
  std::swap(journal_, other.journal_);
  return *this;
}

storage_claim::~storage_claim() {
  if (journal_ == nullptr) return;
  auto& taken = claims::instance();
  const std::lock_guard lock{taken.mutex};
  taken.all.erase(journal_);
}

result<storage_claim> storage_claim::take(const event_store& journal) {
  auto& taken = claims::instance();
  const std::lock_guard lock{taken.mutex};
  if (taken.all.insert(&journal).second) return storage_claim{journal};
  return error{
      errc::locked, "starting the runtime",
      "another runtime of this process uses the storage: stop that one first, or give each a storage of its own"};
}

}  // namespace tyto::detail

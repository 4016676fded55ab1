#include "storage_claim.hpp"

#include <mutex>
#include <set>
#include <utility>

namespace tyto::detail {
namespace {

struct claims {
  std::mutex mutex;
  std::set<const void*> all;

  static claims& instance() {
    static auto* const made = new claims;  // never destroyed: runtimes may live in static objects
    return *made;
  }
};

}  // namespace

storage_claim::storage_claim(storage_claim&& other) noexcept : claimed_(std::exchange(other.claimed_, {})) {}

storage_claim& storage_claim::operator=(storage_claim&& other) noexcept {
  std::swap(claimed_, other.claimed_);
  return *this;
}

storage_claim::~storage_claim() {
  if (claimed_.front() == nullptr) return;
  auto& taken = claims::instance();
  const std::lock_guard lock{taken.mutex};
  for (const auto* each : claimed_) taken.all.erase(each);
}

result<storage_claim> storage_claim::take(const storage& stores) {
  storage_claim claim{stores};
  auto& taken = claims::instance();
  const std::lock_guard lock{taken.mutex};
  for (const auto* each : claim.claimed_) {
    if (!taken.all.contains(each)) continue;
    claim.claimed_ = {};  // they are the other's
    return error{
        errc::locked, "starting the runtime",
        "another runtime of this process uses the storage: stop that one first, or give each a storage of its own"};
  }
  taken.all.insert(claim.claimed_.begin(), claim.claimed_.end());
  return claim;
}

}  // namespace tyto::detail

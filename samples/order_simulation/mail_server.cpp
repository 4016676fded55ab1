#include "mail_server.hpp"

#include <stdexcept>
#include <thread>
#include <utility>

#include "hash.hpp"

namespace shop {
namespace {

// Set the mail server's draws apart from the payment gateway's, which go by the same order and seed.
constexpr std::uint64_t which_fail = 1;
constexpr std::uint64_t which_fail_once = 2;

}  // namespace

mail_server::mail_server(mail_faults faults) : faults_(faults) {}

void mail_server::send(std::string key, std::string_view id, std::string message) {
  {
    const std::lock_guard lock{mutex_};
    if (sent_.contains(key)) return;
  }
  if (faults_.takes.count() > 0) std::this_thread::sleep_for(faults_.takes);
  const std::lock_guard lock{mutex_};
  if (fails(id)) {
    ++failures_;
    throw std::runtime_error("the mail server does not answer");
  }
  sent_.insert(std::move(key));
  last_ = std::move(message);
}

void mail_server::repair() {
  const std::lock_guard lock{mutex_};
  is_repaired_ = true;
}

std::uint64_t mail_server::sent() const {
  const std::lock_guard lock{mutex_};
  return sent_.size();
}

std::uint64_t mail_server::failures() const {
  const std::lock_guard lock{mutex_};
  return failures_;
}

std::string mail_server::last() const {
  const std::lock_guard lock{mutex_};
  return last_;
}

bool mail_server::fails(std::string_view id) {
  if (is_repaired_ || draw(id, mix(faults_.seed) + which_fail) >= faults_.failure_rate) return false;
  if (draw(id, mix(faults_.seed) + which_fail_once) >= 0.5) return true;
  return failed_before_.emplace(id).second;
}

}  // namespace shop

// Where notifications end up, in place of a mail server: may be slow, and may fail for some orders. Which ones is a
// matter of the order's number and the seed alone, as with payments.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_set>

namespace shop {

struct mail_faults {
  std::uint64_t seed = 0;
  std::chrono::milliseconds takes{0};  // to send one message
  double failure_rate = 0;             // from 0 (never) to 1 (for every order)
};

/// Safe to use from any thread.
class mail_server {
 public:
  explicit mail_server(mail_faults faults);

  /// Sends the message on the order or return `id`, unless one with this `key` was sent: a consumer that is tried again
  /// repeats itself. Throws std::runtime_error if that fails: for half of the orders drawn to fail once, for the other
  /// half until repair() is called.
  void send(std::string key, std::string_view id, std::string message);
  /// From now on nothing fails any more.
  void repair();

  [[nodiscard]] std::uint64_t sent() const;
  [[nodiscard]] std::uint64_t failures() const;
  [[nodiscard]] std::string last() const;  // message that was sent

 private:
  [[nodiscard]] bool fails(std::string_view id);

  const mail_faults faults_;
  mutable std::mutex mutex_;
  bool is_repaired_ = false;
  std::unordered_set<std::string> sent_;  // keys
  std::unordered_set<std::string> failed_before_;
  std::uint64_t failures_ = 0;
  std::string last_;
};

}  // namespace shop

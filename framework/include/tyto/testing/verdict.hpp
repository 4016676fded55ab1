// The answer of a test's `then`.
#pragma once

#include <ostream>
#include <string>
#include <utility>

namespace tyto::testing {

/// Whether what was tested did as expected, and if not, what it did instead: `CHECK(… .then(order_paid{}))`. Converts
/// to bool and prints itself, so it suits every test framework.
class verdict {
 public:
  /// `message` is empty if all is well.
  explicit verdict(std::string message) : message_(std::move(message)) {}

  explicit operator bool() const { return message_.empty(); }
  /// Returns what was expected and what came, in several lines; empty if all is well.
  [[nodiscard]] const std::string& message() const { return message_; }
  /// Prints message(), so that test frameworks show it.
  friend std::ostream& operator<<(std::ostream& out, const verdict& v) {
    return out << (v ? "as expected" : v.message());
  }

 private:
  std::string message_;
};

}  // namespace tyto::testing

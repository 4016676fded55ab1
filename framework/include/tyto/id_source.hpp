// Where the runtime gets ids from that nobody gave. Tests and simulations hand in a source of their own.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace tyto {

/// A source of ids that are used once. Implementations must be safe to call from any thread.
class id_source {
 public:
  virtual ~id_source() = default;
  /// Returns an id that no other call has returned or will return, of at most 255 bytes. A command for which it throws
  /// is answered with errc::handler_failed.
  [[nodiscard]] virtual std::string next() const = 0;
};

/// Returns a source whose ids differ from those of all others with overwhelming probability: 60 random bits for each
/// source, then a count. They are short enough to need no memory of their own.
std::shared_ptr<const id_source> random_ids();

/// Returns a source of `prefix` followed by 1, 2, 3 …: for tests, which want the same ids in every run.
std::shared_ptr<const id_source> counted_ids(std::string_view prefix);

}  // namespace tyto

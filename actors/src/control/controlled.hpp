// What can be done to a runtime from outside: the port between the control socket and the runtime.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tyto/dead_letter.hpp"
#include "tyto/result.hpp"
#include "tyto/retention.hpp"
#include "tyto/status.hpp"

namespace tyto::detail {

/// Each call but change_stream() is the one of that name in `runtime`; from any thread, several at once.
class controlled {
 public:
  virtual ~controlled() = default;
  /// Returns whether it takes commands.
  [[nodiscard]] virtual bool is_running() const = 0;
  [[nodiscard]] virtual runtime_status status() const = 0;
  [[nodiscard]] virtual health_report health() const = 0;
  [[nodiscard]] virtual result<std::vector<dead_letter>> dead_letters(std::string_view of) const = 0;
  virtual result<std::size_t> replay_dead_letters(std::string_view of, std::optional<std::string> key) = 0;
  virtual result<std::size_t> discard_dead_letter(std::string_view of, std::uint64_t position) = 0;
  virtual result<void> pause(std::string_view consumer, std::chrono::milliseconds timeout) = 0;
  virtual result<void> resume(std::string_view consumer) = 0;
  virtual result<void> reset(std::string_view consumer) = 0;
  /// Sends close_stream(), truncate_stream() or delete_stream() to the aggregate whose stream it is, and waits for the
  /// answer as long as execute() does. errc::invalid_argument if no aggregate of its category is registered.
  virtual result<void> change_stream(std::string_view persistence_id, retention what) = 0;
};

}  // namespace tyto::detail

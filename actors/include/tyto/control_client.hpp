// Asks a runtime that runs in another process: how it is doing, and to do something about a consumer. That process has
// set runtime_options::control_socket; what can be asked, and what is answered, is in docs/control-socket.md.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "tyto/result.hpp"

namespace tyto {

/// A connection to a runtime. One thread at a time may use it. The runtime serves 16 at once: do not keep one for
/// longer than it is needed.
class control_client {
 public:
  /// Connects to the runtime that listens on `socket`, a path of any length. errc::stopped if none does,
  /// errc::permission if this user may not, errc::invalid_argument if there is something that is no socket,
  /// errc::timeout if it is busy for so long.
  static result<control_client> connect(const std::filesystem::path& socket,
                                        std::chrono::milliseconds timeout = std::chrono::seconds{10});
  control_client(control_client&&) noexcept;
  control_client& operator=(control_client&&) noexcept;
  ~control_client();

  /// Sends `request`, a JSON object in one line, for example {"do":"status"}, and waits for the answer. Returns that if
  /// it says `"ok":true`: a JSON object, without the end of its line. Else fails with what it says: its code, and its
  /// message, which ends in what to do. errc::timeout if there is no answer in time: then the request may still be
  /// under way, and nothing more can be asked over this connection. errc::stopped if the runtime has ended it.
  result<std::string> ask(std::string_view request, std::chrono::milliseconds timeout = std::chrono::minutes{1});

 private:
  struct connection;
  explicit control_client(std::unique_ptr<connection> own);

  std::unique_ptr<connection> own_;
};

}  // namespace tyto

// Serves those who connect to the control socket. It has threads of its own, for actors do not wait for the network; in
// a simulated world there is none.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string_view>

#include "actor/threads.hpp"
#include "control/control_listener.hpp"
#include "control/controlled.hpp"
#include "tyto/result.hpp"

namespace tyto::detail {

/// One thread waits for connections, and each connection has one, which waits for requests and does them. Who is
/// neither this process's user nor the superuser is refused.
class control_server {
 public:
  static constexpr std::size_t most_connections = 16;

  /// Serves from now on. `what` must outlive the server, and `log` may be called from any thread. Fails if the file
  /// cannot be made, see control_listener, or with errc::overloaded if there is no thread to be had.
  static result<std::unique_ptr<control_server>> open(const std::filesystem::path& file, controlled& what,
                                                      std::function<void(std::string_view)> log);
  control_server(const control_server&) = delete;
  control_server& operator=(const control_server&) = delete;
  /// Removes the file and takes no more requests. Waits until those under way are done, and for a second until their
  /// answers are taken.
  ~control_server();

 private:
  struct connection {
    own_descriptor socket;
    std::optional<worker> thread;
  };

  control_server(control_listener listener, controlled& what, std::function<void(std::string_view)> log)
      : listener_(std::move(listener)), what_(what), log_(std::move(log)) {}
  void accept_all();
  void take_in(own_descriptor socket);
  void serve(connection& own);
  [[nodiscard]] bool is_ending();
  void remove_ended();
  void shut_down_all(int how);

  const control_listener listener_;
  controlled& what_;
  const std::function<void(std::string_view)> log_;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_ending_ = false;
  std::list<connection> connections_;  // of those that have ended too: their thread is waited for by another one
  std::size_t open_ = 0;
  std::optional<worker> acceptor_;
};

}  // namespace tyto::detail

// A page in the browser that shows a runtime while it runs: events as they come, consumers, dead letters, deadlines,
// health. Of the target tyto::serve, so that a program which does not serve links nothing of it. What it answers
// programs, and the stream of events, is in docs/serve.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tyto/result.hpp"
#include "tyto/runtime.hpp"

namespace tyto {

/// Where the page is, and who may do what there.
struct serve_options {
  /// The address to listen on, in figures, or "localhost". Every user of this machine can reach a loopback address; one
  /// that other machines can reach needs a `token`, a `certificate` and a `private_key`.
  std::string address = "127.0.0.1";

  /// 0: one that is free, see page_server::port().
  std::uint16_t port = 0;

  /// Whether the page can act: replay and discard dead letters, pause, resume and reset consumers. Else it only shows.
  bool may_act = false;

  /// What a client has to know: a browser asks for it as a password, for any user; programs send it as
  /// `Authorization: Bearer TOKEN`. At least 16 characters. Empty: nobody is asked.
  std::string token = {};

  /// Files in PEM: the certificate, with those that vouch for it, and its key. Both empty: plain HTTP.
  std::filesystem::path certificate = {};
  std::filesystem::path private_key = {};

  /// Names, without a port, by which browsers reach the address besides itself. A request to any other name is refused:
  /// it may be a foreign page's that has its own name point here.
  std::vector<std::string> names = {};

  /// What the page says it shows. Empty: the name of the program, or the directory.
  std::string title = {};
};

/// Serves until it is destroyed. That waits for requests under way, for some seconds if a client takes nothing. May be
/// used from any thread.
class page_server {
 public:
  virtual ~page_server() = default;
  page_server(const page_server&) = delete;
  page_server& operator=(const page_server&) = delete;

  /// Returns the port that it listens on.
  [[nodiscard]] virtual std::uint16_t port() const = 0;
  /// Returns where a browser on this machine finds the page: "http://127.0.0.1:8421/".
  [[nodiscard]] virtual std::string url() const = 0;

 protected:
  page_server() = default;
};

/// Serves `rt`, also before start() and after stop(). The runtime must outlive the server, and must not be destroyed by
/// a handler meanwhile. It has threads of its own, which take no signals; handlers and commands do not wait for it.
///
/// Fails with errc::locked if the port is taken, errc::permission if this user may not have it, errc::invalid_argument
/// for options that cannot be used, which says what to do, errc::overloaded if there are no threads to be had, and
/// errc::io.
result<std::unique_ptr<page_server>> serve(runtime& rt, const serve_options& options = {});

/// Serves the storage in `directory`, of which another process may be the writer, read-only. How that one is doing, and
/// acting on it, goes over its control socket, if it has one: runtime_options::control_socket, `control.sock` in the
/// directory. Fails also like open_lmdb() for reading.
result<std::unique_ptr<page_server>> serve_directory(const std::filesystem::path& directory,
                                                     const serve_options& options = {});

}  // namespace tyto

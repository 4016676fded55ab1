#include "control/control_server.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <iterator>
#include <new>
#include <string>
#include <system_error>
#include <utility>

#include "control/control_request.hpp"
#include "control/request_lines.hpp"

namespace tyto::detail {
namespace {

// Returns false where the other one has gone.
bool send_all(const own_descriptor& to, std::string_view text, int flags = 0) {
  while (!text.empty()) {
    const auto sent = ::send(to.number(), text.data(), text.size(), MSG_NOSIGNAL | flags);
    if (sent < 0 && errno != EINTR) return false;
    if (sent > 0) text.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

// To one who is not taken in: if there is no room for it at once, it is not told.
void refuse(const own_descriptor& whom, errc code, std::string why) {
  send_all(whom, control_refusal({code, "connecting to the control socket", std::move(why)}), MSG_DONTWAIT);
}

bool is_allowed(const own_descriptor& whom) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(whom.number(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  return peer.uid == 0 || peer.uid == ::geteuid();
}

}  // namespace

result<std::unique_ptr<control_server>> control_server::open(const std::filesystem::path& file, controlled& what,
                                                             std::function<void(std::string_view)> log) {
  auto listener = control_listener::open(file);
  if (!listener) return std::move(listener).error();
  std::unique_ptr<control_server> made{new control_server{*std::move(listener), what, std::move(log)}};
  try {
    made->acceptor_.emplace([server = made.get()](const std::stop_token&) { server->accept_all(); });
  } catch (const std::system_error&) {
    return threads_refused("making the control socket '" + file.string() + "'");
  }
  return made;
}

control_server::~control_server() {
  {
    const std::lock_guard lock{mutex_};
    is_ending_ = true;
    changed_.notify_all();
  }
  listener_.refuse_all();
  acceptor_.reset();  // from here on nobody comes in
  shut_down_all(SHUT_RD);
  {
    constexpr std::chrono::seconds for_answers{1};
    std::unique_lock lock{mutex_};
    changed_.wait_for(lock, for_answers, [this] { return open_ == 0; });
  }
  shut_down_all(SHUT_RDWR);
  connections_.clear();
}

void control_server::accept_all() {
  bool is_troubled = false;
  while (true) {
    auto socket = listener_.accept();
    const int failed = socket ? 0 : errno;
    std::unique_lock lock{mutex_};
    if (is_ending_) return;
    if (failed == 0) {
      is_troubled = false;
      lock.unlock();
      take_in(std::move(socket));
    } else if (failed != EINTR && failed != ECONNABORTED) {  // no descriptor is to be had, or no memory
      constexpr std::chrono::milliseconds pause{100};
      if (!std::exchange(is_troubled, true)) {
        lock.unlock();
        log_("the control socket takes no connections at the moment: " + std::generic_category().message(failed));
        lock.lock();
      }
      changed_.wait_for(lock, pause, [this] { return is_ending_; });
    }
  }
}

void control_server::take_in(own_descriptor socket) {
  if (!is_allowed(socket)) {
    return refuse(socket, errc::permission,
                  "only user " + std::to_string(::geteuid()) + ", whose the runtime is, and the superuser may");
  }
  remove_ended();
  const std::lock_guard lock{mutex_};
  if (open_ == most_connections) {
    return refuse(socket, errc::overloaded, std::to_string(open_) + " are connected; close one, or try again later");
  }
  auto& added = connections_.emplace_back();
  added.socket = std::move(socket);
  try {
    added.thread.emplace([this, &added](const std::stop_token&) { serve(added); });
    ++open_;
  } catch (const std::system_error&) {
    refuse(added.socket, errc::overloaded, threads_refused("serving it").detail());
    connections_.pop_back();
  }
}

// Waits in recv() and send(), which shut_down_all() ends.
void control_server::serve(connection& own) {
  std::array<char, 16UL * 1024> bytes;
  request_lines lines{longest_control_request};
  try {
    const auto answer = [&](std::string_view line) {
      return send_all(own.socket, answer_control_request(line, what_)) && !is_ending();
    };
    for (bool goes_on = true; goes_on;) {
      const auto count = ::recv(own.socket.number(), bytes.data(), bytes.size(), 0);
      goes_on =
          count > 0 ? lines.feed({bytes.data(), static_cast<std::size_t>(count)}, answer) : count < 0 && errno == EINTR;
    }
  } catch (const std::bad_alloc&) {
    // The runtime needs what memory there is.
  }
  const std::lock_guard lock{mutex_};
  ::shutdown(own.socket.number(), SHUT_RDWR);  // a child that is being forked may have it, too
  own.socket = {};
  --open_;
  changed_.notify_all();
}

bool control_server::is_ending() {
  const std::lock_guard lock{mutex_};
  return is_ending_;
}

void control_server::remove_ended() {
  std::list<connection> ended;  // goes, and waits for the threads, when the lock is free
  const std::lock_guard lock{mutex_};
  for (auto each = connections_.begin(); each != connections_.end();) {
    const auto next = std::next(each);
    if (!each->socket) ended.splice(ended.end(), connections_, each);
    each = next;
  }
}

void control_server::shut_down_all(int how) {
  const std::lock_guard lock{mutex_};
  for (const auto& each : connections_) {
    if (each.socket) ::shutdown(each.socket.number(), how);
  }
}

}  // namespace tyto::detail

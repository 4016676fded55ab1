#include "tyto/control_client.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "control/control_request.hpp"
#include "control/socket_place.hpp"
#include "time_limit.hpp"

namespace tyto {
namespace {

using time_point = std::chrono::steady_clock::time_point;

constexpr std::size_t longest_answer = 256UL * 1024 * 1024;

errc code_named(std::string_view wanted) {
  for (int code = 0; code <= static_cast<int>(errc::io); ++code) {
    if (name(static_cast<errc>(code)) == wanted) return static_cast<errc>(code);
  }
  return errc::io;  // one that a newer version has
}

// Of connect(), which waits where many others do.
timeval time_value(std::chrono::milliseconds timeout) {
  const auto most = std::clamp(timeout, std::chrono::milliseconds{1}, detail::longest_wait);  // 0 would be for ever
  return {most.count() / 1'000, most.count() % 1'000 * 1'000};
}

// Returns an errno, or 0 when the socket is ready, or ETIMEDOUT.
int wait_for(const detail::own_descriptor& socket, short what, time_point limit) {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(limit - std::chrono::steady_clock::now()).count();
    pollfd watched{socket.number(), what, 0};
    const int ready = ::poll(&watched, 1, static_cast<int>(std::clamp<std::int64_t>(left, 0, 3'600'000)));
    if (ready > 0) return 0;
    if (ready < 0 && errno != EINTR) return errno;
    if (ready == 0 && left <= 0) return ETIMEDOUT;
  }
}

}  // namespace

struct control_client::connection {
  std::string doing;  // names the socket
  detail::own_descriptor socket;
  std::string received;  // beyond the last answer

  result<std::string> exchange(std::string_view request, time_point limit);
  int send(std::string_view text, time_point limit) const;
  result<std::string> receive_line(time_point limit);
  [[nodiscard]] error failure(int code) const;
  [[nodiscard]] result<std::string> read(std::string answer) const;
};

// Where the runtime refuses the connection, it has answered and hung up before.
result<std::string> control_client::connection::exchange(std::string_view request, time_point limit) {
  const int failed = send(request, limit);
  if (failed == 0 || failed == EPIPE || failed == ECONNRESET) return receive_line(limit);
  return failure(failed);
}

error control_client::connection::failure(int code) const {
  if (code != ETIMEDOUT) return detail::system_error_of(code, doing);
  return {errc::timeout, doing, "there was no answer in time; what was asked for may still be under way"};
}

// Returns an errno, or 0.
int control_client::connection::send(std::string_view text, time_point limit) const {
  while (!text.empty()) {
    const auto sent = ::send(socket.number(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) {
      text.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN) {
      if (const int code = wait_for(socket, POLLOUT, limit); code != 0) return code;
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

result<std::string> control_client::connection::receive_line(time_point limit) {
  std::array<char, 64UL * 1024> bytes;
  std::size_t looked_at = 0;
  while (true) {
    if (const auto end = received.find('\n', looked_at); end != std::string::npos) {
      auto line = received.substr(0, end);
      received.erase(0, end + 1);
      return line;
    }
    looked_at = received.size();
    if (looked_at > longest_answer) return error{errc::foreign, doing, "the answer does not end"};
    const auto count = ::recv(socket.number(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (count > 0) {
      received.append(bytes.data(), static_cast<std::size_t>(count));
    } else if (count == 0 || errno == ECONNRESET) {
      return error{errc::stopped, doing, "the connection has ended; the runtime may have stopped: connect again"};
    } else if (errno == EAGAIN) {
      if (const int code = wait_for(socket, POLLIN, limit); code != 0) return failure(code);
    } else if (errno != EINTR) {
      return failure(errno);
    }
  }
}

result<std::string> control_client::connection::read(std::string answer) const {
  const auto found = nlohmann::json::parse(answer, nullptr, false);
  const auto text = [&found](const char* field) -> std::optional<std::string> {
    const auto at = found.find(field);
    return at != found.end() && at->is_string() ? std::optional{at->get<std::string>()} : std::nullopt;
  };
  if (const auto ok = found.is_object() ? found.find("ok") : found.end(); ok != found.end() && ok->is_boolean()) {
    if (ok->get<bool>()) return answer;
    return error{code_named(text("code").value_or("")), doing, text("message").value_or("it was refused")};
  }
  return error{errc::foreign, doing, "what answers there is no runtime of Tyto: name its control_socket"};
}

control_client::control_client(std::unique_ptr<connection> own) : own_(std::move(own)) {}
control_client::control_client(control_client&&) noexcept = default;
control_client& control_client::operator=(control_client&&) noexcept = default;
control_client::~control_client() = default;

result<control_client> control_client::connect(const std::filesystem::path& socket, std::chrono::milliseconds timeout) {
  const auto shown = "'" + socket.string() + "'";
  const auto doing = "connecting to the control socket " + shown;
  const error nobody{errc::stopped, doing,
                     "no runtime listens on " + shown + "; is the program running, with this as its control_socket?"};
  auto where = detail::socket_place::of(socket, doing);
  if (!where) return std::move(where).error();
  auto made = std::make_unique<connection>();
  made->doing = "asking the runtime on " + shown;
  made->socket = detail::own_descriptor::open_socket();
  if (!made->socket) return detail::system_error_of(errno, doing);
  const auto most = time_value(timeout);
  ::setsockopt(made->socket.number(), SOL_SOCKET, SO_SNDTIMEO, &most, sizeof most);
  const auto address = where->address();
  int code = EINTR;
  while (code == EINTR) {
    const auto* const to = reinterpret_cast<const sockaddr*>(&address);
    code = ::connect(made->socket.number(), to, sizeof address) == 0 ? 0 : errno;
  }
  struct stat there {};
  switch (code) {
    case 0:
      return control_client{std::move(made)};
    case ENOENT:
      return nobody;
    case ECONNREFUSED:
    case EPROTOTYPE:
      if (::fstatat(where->directory(), where->name().c_str(), &there, 0) != 0 || S_ISSOCK(there.st_mode)) {
        return nobody;
      }
      return error{errc::invalid_argument, doing, "that is no socket; name the control_socket of the runtime"};
    case EAGAIN:
      return error{errc::timeout, doing, "so many others wait there that it was not this one's turn in time"};
    case EACCES:
    case EPERM:
      return error{errc::permission, doing, "only the user whose the runtime is, and the superuser, may connect"};
    default:
      return detail::system_error_of(code, doing);
  }
}

result<std::string> control_client::ask(std::string_view request, std::chrono::milliseconds timeout) {
  if (!own_ || !own_->socket) {
    return error{errc::stopped, own_ ? own_->doing : "asking a runtime", "the connection has ended; connect again"};
  }
  if (request.find('\n') != std::string_view::npos) {
    return error{errc::invalid_argument, own_->doing, "a request is one line, and this one holds the end of one"};
  }
  auto answer = own_->exchange(std::string{request} + '\n', detail::time_limit(timeout));
  if (answer) return own_->read(*std::move(answer));
  own_->socket = {};  // what comes later would be taken for the answer to another request
  return answer;
}

}  // namespace tyto

#include "control/control_listener.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace tyto::detail {
namespace {

constexpr int most_waiting = 64;  // who has connected and is not served yet

int connect_to(const socket_place& where, const own_descriptor& socket) {
  const auto address = where.address();
  return ::connect(socket.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
}

std::string who_listens(const own_descriptor& connected) {
  ucred peer{};
  socklen_t size = sizeof peer;
  const bool is_known = ::getsockopt(connected.number(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.pid > 0;
  if (!is_known) return "another process";
  return (peer.pid == ::getpid() ? "this process (" : "process (") + std::to_string(peer.pid) + ")";
}

// Makes room for the file: what is there may be what a killed process has left, on which nobody can be reached.
result<void> remove_stale(const socket_place& where, const std::string& doing) {
  struct stat there {};
  if (::fstatat(where.directory(), where.name().c_str(), &there, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return {};
    return system_error_of(errno, doing);
  }
  const error foreign{
      errc::invalid_argument, doing,
      "there is something else, which stays as it is: move it away, or give control_socket another path"};
  if (!S_ISSOCK(there.st_mode)) return foreign;
  const auto asking = own_descriptor::open_socket(SOCK_NONBLOCK);
  if (!asking) return system_error_of(errno, doing);
  switch (const int code = connect_to(where, asking)) {
    case ECONNREFUSED:
      if (::unlinkat(where.directory(), where.name().c_str(), 0) == 0 || errno == ENOENT) return {};
      return system_error_of(errno, doing, "a file that another process has left is in the way: remove it");
    case ENOENT:
      return {};
    case 0:
    case EAGAIN:  // more wait for it than may
      return error{errc::locked, doing,
                   who_listens(asking) + " listens there: stop it, or give control_socket another path"};
    case EPROTOTYPE:
      return foreign;
    default:
      return system_error_of(code, doing, "whether somebody listens there cannot be told; if not, remove the file");
  }
}

}  // namespace

result<control_listener> control_listener::open(const std::filesystem::path& file) {
  const auto doing = "making the control socket '" + file.string() + "'";
  auto where = socket_place::of(file, doing);
  if (!where) return std::move(where).error();
  if (auto removed = remove_stale(*where, doing); !removed) return std::move(removed).error();
  control_listener made{*std::move(where), own_descriptor::open_socket()};
  if (!made.socket_) return system_error_of(errno, doing);
  // bind() gives the file the mode of the socket. That of the file could only be changed when it is there.
  if (::fchmod(made.socket_.number(), S_IRUSR | S_IWUSR) != 0) return system_error_of(errno, doing);
  const auto address = made.where_.address();
  if (::bind(made.socket_.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno == EADDRINUSE) return error{errc::locked, doing, "another process has made it in this moment"};
    return system_error_of(
        errno, doing,
        "this user must be able to write to the directory, which must be one that takes sockets, and "
        "/proc must be mounted; or leave control_socket empty");
  }
  struct stat there {};
  if (::fstatat(made.where_.directory(), made.where_.name().c_str(), &there, AT_SYMLINK_NOFOLLOW) != 0) {
    return system_error_of(errno, doing);
  }
  made.device_ = there.st_dev;
  made.file_ = there.st_ino;
  if (::listen(made.socket_.number(), most_waiting) != 0) return system_error_of(errno, doing);
  return made;
}

control_listener::~control_listener() {
  if (socket_) refuse_all();
}

own_descriptor control_listener::accept() const {
  return own_descriptor{::accept4(socket_.number(), nullptr, nullptr, SOCK_CLOEXEC)};
}

void control_listener::refuse_all() const {
  remove_file();
  ::shutdown(socket_.number(), SHUT_RDWR);
}

void control_listener::remove_file() const {
  struct stat there {};
  const auto* const name = where_.name().c_str();
  const bool is_ours = file_ != 0 && ::fstatat(where_.directory(), name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
                       there.st_dev == device_ && there.st_ino == file_;
  if (is_ours) ::unlinkat(where_.directory(), name, 0);
}

}  // namespace tyto::detail

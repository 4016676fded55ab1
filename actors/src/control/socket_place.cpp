#include "control/socket_place.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace tyto::detail {
namespace {

errc kind_of(int code) {
  switch (code) {
    case EACCES:
    case EPERM:
    case EROFS:
      return errc::permission;
    case ENOSPC:
    case EDQUOT:
      return errc::full;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS:
      return errc::overloaded;
    case ENOENT:
    case ENOTDIR:
    case ELOOP:
    case ENAMETOOLONG:
      return errc::invalid_argument;
    default:
      return errc::io;
  }
}

}  // namespace

std::string why_no_socket_path(const std::filesystem::path& file) {
  const auto name = file.filename().native();
  if (file.native().find('\0') != std::string::npos) return "has a NUL byte";
  if (name.empty() || name == "." || name == "..") return "does not end in the name of a file, like control.sock";
  if (name.size() > longest_socket_name) {
    return "ends in a name of more than " + std::to_string(longest_socket_name) + " bytes; take a shorter one";
  }
  return {};
}

error system_error_of(int code, std::string doing, const std::string& advice) {
  const auto what = std::generic_category().message(code);
  return {kind_of(code), std::move(doing), advice.empty() ? what : what + "; " + advice};
}

result<socket_place> socket_place::of(const std::filesystem::path& file, const std::string& doing) {
  if (const auto why = why_no_socket_path(file); !why.empty()) {
    return error{errc::invalid_argument, doing, "the path " + why};
  }
  const auto parent = file.has_parent_path() ? file.parent_path() : std::filesystem::path{"."};
  own_descriptor directory{::open(parent.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!directory) return system_error_of(errno, doing, "the directory must be there, and this user may enter it");
  return socket_place{std::move(directory), file.filename().native()};
}

sockaddr_un socket_place::address() const {
  sockaddr_un made{};
  made.sun_family = AF_UNIX;
  const auto path = "/proc/self/fd/" + std::to_string(directory_.number()) + "/" + name_;
  std::ranges::copy(path, made.sun_path);  // it fits: 14 bytes, the 10 of a number, 1, longest_socket_name, and NUL
  return made;
}

}  // namespace tyto::detail

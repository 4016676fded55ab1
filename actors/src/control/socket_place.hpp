// Where the file of a Unix-domain socket is. The kernel takes 107 bytes of a path, and paths are longer: so the
// directory is held open, and named by its descriptor.
#pragma once

#include <sys/un.h>

#include <filesystem>
#include <string>

#include "control/own_descriptor.hpp"
#include "tyto/result.hpp"

namespace tyto::detail {

/// So long may the name be in its directory, in bytes; the path to that one has no limit of ours.
inline constexpr std::size_t longest_socket_name = 80;

/// Returns what is wrong with `file` as the path of a socket; nothing: an empty text.
std::string why_no_socket_path(const std::filesystem::path& file);

/// Returns the error for the errno `code`. `advice` says what to do, if that is known.
error system_error_of(int code, std::string doing, const std::string& advice = {});

class socket_place {
 public:
  /// Fails if there is no such directory, or it may not be entered, or with errc::invalid_argument.
  static result<socket_place> of(const std::filesystem::path& file, const std::string& doing);

  /// For bind() and connect(), as long as the place lives. Needs /proc.
  [[nodiscard]] sockaddr_un address() const;
  /// For the calls that take both.
  [[nodiscard]] int directory() const { return directory_.number(); }
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  socket_place(own_descriptor directory, std::string name) : directory_(std::move(directory)), name_(std::move(name)) {}

  own_descriptor directory_;
  std::string name_;
};

}  // namespace tyto::detail

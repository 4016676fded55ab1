// The file on which a runtime can be reached, from its making to its end.
#pragma once

#include <sys/types.h>

#include <filesystem>

#include "control/own_descriptor.hpp"
#include "control/socket_place.hpp"
#include "tyto/result.hpp"

namespace tyto::detail {

/// A socket that listens. The file is its owner's alone (mode 0600) from the first moment, and goes with the object.
class control_listener {
 public:
  /// Takes the place of a file that a killed process has left. Fails with errc::invalid_argument if there is something
  /// else, with errc::locked if somebody answers there, or with what the operating system has against it.
  static result<control_listener> open(const std::filesystem::path& file);
  control_listener(control_listener&&) noexcept = default;
  control_listener& operator=(control_listener&&) = delete;
  ~control_listener();

  /// Waits for somebody who connects. Returns none, and errno, where that fails: EINVAL after refuse_all().
  [[nodiscard]] own_descriptor accept() const;
  /// Takes the file away, unless it is another one by now, and has nobody connect any more. From any thread.
  void refuse_all() const;

 private:
  control_listener(socket_place where, own_descriptor socket) : where_(std::move(where)), socket_(std::move(socket)) {}
  void remove_file() const;

  socket_place where_;
  own_descriptor socket_;
  dev_t device_ = 0;
  ino_t file_ = 0;  // 0: none has been made
};

}  // namespace tyto::detail

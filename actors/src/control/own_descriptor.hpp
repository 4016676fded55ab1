// A file descriptor of this process alone. A forked child would share a socket that listens: when the parent is gone,
// it would look as if somebody still answered. So a child gives up what it has inherited, at once.
#pragma once

#include "tyto/detail/owner_process.hpp"

namespace tyto::detail {

/// Closed with the object, and in a child when it is forked. Made with flags that have exec close it.
class own_descriptor {
 public:
  own_descriptor() = default;
  /// Takes `number` over: an open descriptor, or one below 0 for none.
  explicit own_descriptor(int number);
  own_descriptor(own_descriptor&& other) noexcept;
  own_descriptor& operator=(own_descriptor&& other) noexcept;
  ~own_descriptor();

  /// Returns a Unix-domain socket for streams, with these flags besides; none, and errno, if there is none to be had.
  static own_descriptor open_socket(int flags = 0);

  [[nodiscard]] int number() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }

 private:
  int number_ = -1;
  owner_process owner_;
};

}  // namespace tyto::detail

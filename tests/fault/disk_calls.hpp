// Lets a test stand between this process and the disk: to see what is asked of it, to fail it, or to end there. The
// calls of the C library that LMDB and the store use are defined in disk_calls.cpp, which the linker prefers.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>

namespace tyto::test {

/// A call that changes a file or a directory, or makes changes durable.
struct disk_call {
  enum class kind : std::uint8_t {
    open,  // for writing; it may create the file
    make_directory,
    write,
    synced_write,  // through a descriptor with O_DSYNC: on disk when it returns, but only itself
    resize,
    sync,
  };
  kind what;
  std::string path;
  std::uint64_t offset = 0;           // of a write
  std::span<const iovec> parts = {};  // of a write
  std::uint64_t file_bytes = 0;       // of a resize: the file's length after it
};

/// Returns the first `size` bytes that `write` writes.
std::string bytes_of(const disk_call& write, std::uint64_t size);

inline constexpr auto whole_call = std::numeric_limits<std::uint64_t>::max();

/// Does the call, of a write at most the first so many bytes. Returns what the system call does, or -errno.
using perform_call = std::function<std::int64_t(std::uint64_t at_most_bytes)>;

/// Decides what becomes of a call: does it or not, and returns what the caller is to see, an errno as -errno. Called
/// from any thread, from several at a time.
using disk_handler = std::function<std::int64_t(const disk_call&, const perform_call&)>;

/// Puts a handler between this process and the disk while it exists. One at a time.
class watched_disk {
 public:
  explicit watched_disk(disk_handler handler);
  watched_disk(const watched_disk&) = delete;
  ~watched_disk();
};

}  // namespace tyto::test

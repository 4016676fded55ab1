#include "disk_calls.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <mutex>
#include <shared_mutex>
#include <utility>
#include <vector>

namespace tyto::test {
namespace {

using kind = disk_call::kind;

struct installed_handler {
  std::shared_mutex mutex;  // a handler is not taken away while it is at work
  disk_handler handler;
};

installed_handler& installed() {
  static auto* const instance = new installed_handler;
  return *instance;
}

void install(disk_handler handler) {
  const std::lock_guard lock{installed().mutex};
  installed().handler = std::move(handler);
}

std::int64_t or_errno(std::int64_t returned) { return returned < 0 ? -errno : returned; }

std::int64_t handle(const std::function<disk_call()>& describe, const perform_call& perform) {
  const std::shared_lock lock{installed().mutex};
  return installed().handler ? installed().handler(describe(), perform) : perform(whole_call);
}

// What a system call's result is to its caller.
std::int64_t answer(std::int64_t result) {
  if (result >= 0) return result;
  errno = static_cast<int>(-result);
  return -1;
}

std::string path_of(int descriptor) {
  char path[4096];
  const auto size = ::readlink(("/proc/self/fd/" + std::to_string(descriptor)).c_str(), path, sizeof path);
  return size > 0 ? std::string{path, static_cast<std::size_t>(size)} : std::string{};
}

kind write_kind(int descriptor) {
  return (::fcntl(descriptor, F_GETFL) & O_DSYNC) != 0 ? kind::synced_write : kind::write;
}

std::int64_t sync(int descriptor, long system_call) {
  return answer(handle(
      [&] {
        return disk_call{kind::sync, path_of(descriptor)};
      },
      [&](std::uint64_t) { return or_errno(::syscall(system_call, descriptor)); }));
}

}  // namespace

std::string bytes_of(const disk_call& write, std::uint64_t size) {
  std::string bytes;
  for (const auto& part : write.parts) bytes.append(static_cast<const char*>(part.iov_base), part.iov_len);
  bytes.resize(std::min<std::uint64_t>(bytes.size(), size));
  return bytes;
}

watched_disk::watched_disk(disk_handler handler) { install(std::move(handler)); }

watched_disk::~watched_disk() { install({}); }

extern "C" {

int open(const char* path, int flags, ...) {
  mode_t mode = 0;
  if ((flags & (O_CREAT | __O_TMPFILE)) != 0) {
    va_list arguments;
    va_start(arguments, flags);
    mode = va_arg(arguments, mode_t);
    va_end(arguments);
  }
  const auto perform = [&](std::uint64_t) { return or_errno(::syscall(SYS_openat, AT_FDCWD, path, flags, mode)); };
  if ((flags & O_ACCMODE) == O_RDONLY) return static_cast<int>(answer(perform(0)));
  return static_cast<int>(answer(handle([&] { return disk_call{kind::open, path}; }, perform)));
}

int mkdir(const char* path, mode_t mode) noexcept {
  return static_cast<int>(answer(handle(
      [&] {
        return disk_call{kind::make_directory, path};
      },
      [&](std::uint64_t) { return or_errno(::syscall(SYS_mkdir, path, mode)); })));
}

ssize_t pwrite(int descriptor, const void* bytes, size_t size, off_t offset) {
  const iovec part{const_cast<void*>(bytes), size};
  return answer(handle(
      [&] {
        return disk_call{write_kind(descriptor), path_of(descriptor), static_cast<std::uint64_t>(offset), {&part, 1}};
      },
      [&](std::uint64_t at_most) {
        return or_errno(::syscall(SYS_pwrite64, descriptor, bytes, std::min<std::uint64_t>(size, at_most), offset));
      }));
}

ssize_t writev(int descriptor, const struct iovec* parts, int count) {
  const std::span all{parts, static_cast<std::size_t>(count)};
  return answer(handle(
      [&] {
        return disk_call{write_kind(descriptor), path_of(descriptor),
                         static_cast<std::uint64_t>(::lseek(descriptor, 0, SEEK_CUR)), all};
      },
      [&](std::uint64_t at_most) {
        std::vector<iovec> some;
        for (auto part : all) {
          part.iov_len = std::min<std::uint64_t>(part.iov_len, at_most);
          at_most -= part.iov_len;
          some.push_back(part);
        }
        return or_errno(::syscall(SYS_writev, descriptor, some.data(), count));
      }));
}

int ftruncate(int descriptor, off_t size) noexcept {
  const auto file_bytes = static_cast<std::uint64_t>(size);
  return static_cast<int>(answer(handle(
      [&] {
        return disk_call{kind::resize, path_of(descriptor), 0, {}, file_bytes};
      },
      [&](std::uint64_t) { return or_errno(::syscall(SYS_ftruncate, descriptor, size)); })));
}

int posix_fallocate(int descriptor, off_t offset, off_t size) {
  const auto result = handle(
      [&] {
        const auto now = static_cast<std::uint64_t>(::lseek(descriptor, 0, SEEK_END));
        const auto file_bytes = std::max(now, static_cast<std::uint64_t>(offset + size));
        return disk_call{kind::resize, path_of(descriptor), 0, {}, file_bytes};
      },
      [&](std::uint64_t) { return or_errno(::syscall(SYS_fallocate, descriptor, 0, offset, size)); });
  return static_cast<int>(-result);
}

int fdatasync(int descriptor) { return static_cast<int>(sync(descriptor, SYS_fdatasync)); }

int fsync(int descriptor) { return static_cast<int>(sync(descriptor, SYS_fsync)); }
}  // extern "C"

}  // namespace tyto::test

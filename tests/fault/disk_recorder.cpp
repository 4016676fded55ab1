#include "disk_recorder.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>

namespace tyto::test {
namespace {

using kind = disk_operation::kind;

struct recording {
  std::mutex mutex;
  std::string file;  // empty: nothing is recorded
  std::vector<disk_operation> operations;
};

recording& current() {
  static auto* const instance = new recording;
  return *instance;
}

bool is_file(int descriptor, const std::string& file) {
  if (file.empty()) return false;
  char path[4096];
  const auto link = "/proc/self/fd/" + std::to_string(descriptor);
  const auto size = ::readlink(link.c_str(), path, sizeof path);
  return size > 0 && std::string_view{path, static_cast<std::size_t>(size)} == file;
}

void record(int descriptor, kind what, std::uint64_t offset = 0, std::string bytes = {}) {
  auto& to = current();
  const std::lock_guard lock{to.mutex};
  if (!is_file(descriptor, to.file)) return;
  if (what == kind::write && (::fcntl(descriptor, F_GETFL) & O_DSYNC) != 0) what = kind::synced_write;
  to.operations.push_back({what, offset, std::move(bytes)});
}

constexpr std::uint64_t page_bytes = 4096;

void apply(std::string& content, const disk_operation& operation) {
  if (operation.what == kind::resize) {
    content.resize(operation.offset);
    return;
  }
  content.resize(std::max<std::uint64_t>(content.size(), operation.offset + operation.bytes.size()));
  content.replace(operation.offset, operation.bytes.size(), operation.bytes);
}

void append_pages(std::vector<disk_operation>& to, const disk_operation& operation) {
  if (operation.what == kind::resize) {
    to.push_back(operation);
    return;
  }
  for (std::uint64_t at = 0; at < operation.bytes.size();) {
    const auto offset = operation.offset + at;
    const auto size = page_bytes - offset % page_bytes;
    to.push_back({kind::write, offset, operation.bytes.substr(at, size)});
    at += size;
  }
}

}  // namespace

disk_recorder::disk_recorder(const std::filesystem::path& file) {
  const std::lock_guard lock{current().mutex};
  current().file = std::filesystem::canonical(file).string();
  current().operations.clear();
}

disk_recorder::~disk_recorder() {
  const std::lock_guard lock{current().mutex};
  current().file.clear();
}

void disk_recorder::acknowledge(std::uint64_t events) {
  const std::lock_guard lock{current().mutex};
  current().operations.push_back({kind::acknowledge, events, {}});
}

std::vector<disk_operation> disk_recorder::operations() const {
  const std::lock_guard lock{current().mutex};
  return current().operations;
}

std::string after_power_loss(std::string before, const std::vector<disk_operation>& operations, std::size_t count,
                             double kept, std::mt19937& random) {
  std::vector<disk_operation> unsynced;
  for (std::size_t i = 0; i < count; ++i) {
    const auto& operation = operations[i];
    if (operation.what == kind::sync) {
      for (const auto& each : unsynced) apply(before, each);
      unsynced.clear();
    } else if (operation.what == kind::synced_write) {
      apply(before, operation);
    } else if (operation.what != kind::acknowledge) {
      append_pages(unsynced, operation);
    }
  }
  for (const auto& each : unsynced) {
    if (std::bernoulli_distribution{kept}(random)) apply(before, each);
  }
  return before;
}

}  // namespace tyto::test

// What LMDB and the store call. Each does what the C library's does, by the system call, and records that it was done.
extern "C" {

ssize_t pwrite(int descriptor, const void* bytes, size_t size, off_t offset) {
  const auto written = ::syscall(SYS_pwrite64, descriptor, bytes, size, offset);
  if (written > 0) {
    tyto::test::record(descriptor, tyto::test::kind::write, static_cast<std::uint64_t>(offset),
                       {static_cast<const char*>(bytes), static_cast<std::size_t>(written)});
  }
  return written;
}

ssize_t writev(int descriptor, const struct iovec* parts, int count) {
  const auto offset = ::lseek(descriptor, 0, SEEK_CUR);
  const auto written = ::syscall(SYS_writev, descriptor, parts, count);
  if (written > 0 && offset >= 0) {
    std::string bytes;
    for (int i = 0; i < count; ++i) bytes.append(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len);
    bytes.resize(static_cast<std::size_t>(written));
    tyto::test::record(descriptor, tyto::test::kind::write, static_cast<std::uint64_t>(offset), std::move(bytes));
  }
  return written;
}

int ftruncate(int descriptor, off_t size) noexcept {
  const auto failed = static_cast<int>(::syscall(SYS_ftruncate, descriptor, size));
  if (failed == 0) tyto::test::record(descriptor, tyto::test::kind::resize, static_cast<std::uint64_t>(size));
  return failed;
}

int posix_fallocate(int descriptor, off_t offset, off_t size) {
  const auto failed = ::syscall(SYS_fallocate, descriptor, 0, offset, size) == 0 ? 0 : errno;
  if (failed == 0) {
    const auto end = ::lseek(descriptor, 0, SEEK_END);
    tyto::test::record(descriptor, tyto::test::kind::resize, static_cast<std::uint64_t>(end));
  }
  return failed;
}

int fdatasync(int descriptor) {
  const auto failed = static_cast<int>(::syscall(SYS_fdatasync, descriptor));
  if (failed == 0) tyto::test::record(descriptor, tyto::test::kind::sync);
  return failed;
}

int fsync(int descriptor) {
  const auto failed = static_cast<int>(::syscall(SYS_fsync, descriptor));
  if (failed == 0) tyto::test::record(descriptor, tyto::test::kind::sync);
  return failed;
}
}

#include "lmdb/writer_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "lmdb/lmdb.hpp"

namespace tyto {
namespace {

error locked_error(const std::filesystem::path& directory, int descriptor) {
  char text[24] = {};
  const auto size = ::pread(descriptor, text, sizeof text - 1, 0);
  std::string owner{text, size > 0 ? static_cast<std::size_t>(size) : 0};
  owner = owner.substr(0, owner.find_first_not_of("0123456789"));
  std::string who = owner.empty() ? "another process" : "process " + owner;
  if (owner == std::to_string(::getpid())) who = fmt::format("this process ({})", owner);
  return {errc::locked, fmt::format("opening '{}' for writing", directory.string()),
          fmt::format("{} writes there: stop it, or open with read_only", who)};
}

// Whether `file` still is what `descriptor` has open: undo() may have removed it since.
bool is_same_file(const std::filesystem::path& file, int descriptor) {
  struct stat by_path {};
  struct stat by_descriptor {};
  return ::stat(file.c_str(), &by_path) == 0 && ::fstat(descriptor, &by_descriptor) == 0 &&
         by_path.st_ino == by_descriptor.st_ino && by_path.st_dev == by_descriptor.st_dev;
}

}  // namespace

result<std::shared_ptr<writer_lock>> writer_lock::acquire(const std::filesystem::path& directory) {
  const auto file = directory / "writer.lock";
  const auto doing = fmt::format("opening '{}'", file.string());
  constexpr int attempts = 10;  // each further one means that somebody else gave up their new file meanwhile
  for (int attempt = 0; attempt < attempts; ++attempt) {
    bool created = true;
    int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (descriptor < 0 && errno == EEXIST) {
      created = false;
      descriptor = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
      if (descriptor < 0 && errno == ENOENT) continue;
    }
    if (descriptor < 0) return lmdb::to_error(errno, doing);
    std::shared_ptr<writer_lock> lock{new writer_lock{file, descriptor, created}};
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) return locked_error(directory, descriptor);
      return lmdb::to_error(errno, doing);
    }
    if (!is_same_file(file, descriptor)) continue;
    const auto pid = fmt::format("{}\n", ::getpid());
    if (::ftruncate(descriptor, 0) != 0 || ::pwrite(descriptor, pid.data(), pid.size(), 0) < 0) {
      return lmdb::to_error(errno, doing);
    }
    return lock;
  }
  return error{errc::io, doing, "the file keeps changing"};
}

writer_lock::~writer_lock() { ::close(descriptor_); }

void writer_lock::undo() const {
  if (created_) ::unlink(file_.c_str());
}

}  // namespace tyto

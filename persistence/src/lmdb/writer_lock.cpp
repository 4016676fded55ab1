#include "lmdb/writer_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <fstream>
#include <mutex>
#include <set>
#include <sstream>
#include <string>
#include <utility>

namespace tyto {

// The locks of this process. A lock of flock() is shared by the children that are forked: a child gives its part up at
// once, or it would keep others from writing when its parent is gone.
struct open_writer_locks {
  std::mutex mutex;
  std::set<writer_lock*> all;

  static open_writer_locks& instance() {
    static auto* const made = make();  // never destroyed: stores may live in other static objects
    return *made;
  }

 private:
  static open_writer_locks* make() {
    detail::at_fork([] { instance().mutex.lock(); }, [] { instance().mutex.unlock(); },
                    [] {
                      for (auto* each : std::exchange(instance().all, {})) each->give_up();
                      instance().mutex.unlock();
                    });
    return new open_writer_locks;
  }
};

namespace {

std::string text_of(const lmdb::descriptor& file) {
  char text[24] = {};
  const auto size = ::pread(file.number(), text, sizeof text - 1, 0);
  return {text, size > 0 ? static_cast<std::size_t>(size) : 0};
}

error locked_error(const std::filesystem::path& directory, const lmdb::descriptor& file) {
  const auto text = text_of(file);
  pid_t owner = 0;
  std::from_chars(text.data(), text.data() + text.size(), owner);
  const auto doing = fmt::format("opening '{}' for writing", directory.string());
  if (owner > 0 && owner != ::getpid() && ::kill(owner, 0) != 0 && errno == ESRCH) {
    return {errc::locked, doing,
            fmt::format("process {}, which wrote there, is gone, but another one holds its lock, maybe a child that it "
                        "started: end that one (`lslocks` shows it), or open with read_only",
                        owner)};
  }
  const auto who = owner == ::getpid() ? fmt::format("this process ({})", owner)
                   : owner > 0         ? fmt::format("process {}", owner)
                                       : std::string{"another process"};
  return {errc::locked, doing, who + " writes there: stop it, or open with read_only"};
}

// Whether `file` still is what `opened` has open: undo() may have removed it since.
bool is_same_file(const std::filesystem::path& file, const lmdb::descriptor& opened) {
  struct stat by_path {};
  struct stat by_descriptor {};
  return ::stat(file.c_str(), &by_path) == 0 && ::fstat(opened.number(), &by_descriptor) == 0 &&
         by_path.st_ino == by_descriptor.st_ino && by_path.st_dev == by_descriptor.st_dev;
}

}  // namespace

writer_lock::writer_lock(std::filesystem::path file, lmdb::descriptor directory, lmdb::descriptor opened, bool created)
    : file_(std::move(file)), directory_(std::move(directory)), descriptor_(std::move(opened)), created_(created) {
  auto& open = open_writer_locks::instance();
  const std::lock_guard lock{open.mutex};
  open.all.insert(this);
}

int writer_lock::lock() const {
  for (const auto* each : {&directory_, &descriptor_}) {
    if (::flock(each->number(), LOCK_EX | LOCK_NB) != 0) return errno;
  }
  return 0;
}

// A line of /proc/locks: "1: FLOCK  ADVISORY  WRITE 4711 08:01:1234 0 EOF", the numbers being process, device and
// inode.
std::optional<std::int64_t> writer_lock::owner(const std::filesystem::path& directory) {
  struct stat status {};
  if (::stat((directory / "writer.lock").c_str(), &status) != 0) return std::nullopt;
  std::ifstream locks{"/proc/locks"};
  std::string line;
  while (std::getline(locks, line)) {
    std::istringstream words{line};
    std::string number;
    std::string kind;
    std::string mode;
    std::string access;
    std::int64_t process = 0;
    std::string place;
    if (!(words >> number >> kind >> mode >> access >> process >> place)) continue;
    const auto inode = fmt::format(":{}", status.st_ino);
    if (kind == "FLOCK" && access == "WRITE" && place.ends_with(inode)) return process;
  }
  return std::nullopt;
}

result<std::shared_ptr<writer_lock>> writer_lock::acquire(const std::filesystem::path& directory) {
  const auto file = directory / "writer.lock";
  const auto doing = fmt::format("opening '{}'", file.string());
  constexpr int attempts = 10;  // each further one means that somebody else gave up their new file meanwhile
  for (int attempt = 0; attempt < attempts; ++attempt) {
    lmdb::descriptor place{::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!place) return lmdb::to_error(errno, doing);
    bool created = true;
    lmdb::descriptor opened;
    int failed = lmdb::open_file(file, O_RDWR | O_CREAT | O_EXCL, opened);
    if (failed == EEXIST) {
      created = false;
      failed = lmdb::open_file(file, O_RDWR, opened);
      if (failed == ENOENT) continue;
    }
    if (failed != 0) return lmdb::to_error(failed, doing);
    std::shared_ptr<writer_lock> lock{new writer_lock{file, std::move(place), std::move(opened), created}};
    if (const int code = lock->lock(); code != 0) {
      lock->undo();  // there was none where the directory alone is locked
      return code == EWOULDBLOCK ? locked_error(directory, lock->descriptor_) : lmdb::to_error(code, doing);
    }
    if (!is_same_file(file, lock->descriptor_)) continue;
    lock->is_held_ = true;
    lock->last_ended_in_order_ = text_of(lock->descriptor_).empty();
    const auto pid = fmt::format("{}\n", ::getpid());
    // Written before it is cut to size: if there is no room, what the last writer left still tells of its end.
    if (::pwrite(lock->descriptor_.number(), pid.data(), pid.size(), 0) < 0 ||
        ::ftruncate(lock->descriptor_.number(), static_cast<off_t>(pid.size())) != 0 ||
        ::fdatasync(lock->descriptor_.number()) != 0) {  // so that it tells of an end by losing power, too
      return lmdb::to_error(errno, doing);
    }
    if (created) {
      if (auto synced = lmdb::sync_directory(directory); !synced) return std::move(synced).error();
    }
    return lock;
  }
  return error{errc::io, doing, "the file keeps changing"};
}

writer_lock::~writer_lock() {
  if (!owner_.is_this()) return;
  auto& open = open_writer_locks::instance();
  const std::lock_guard lock{open.mutex};  // until both are closed: a child forked before would keep them
  open.all.erase(this);
  // The text is for who comes next: none after a writer that has ended in order. Who was refused leaves the text of the
  // one that has the lock.
  if (is_held_ && (is_writing_ || last_ended_in_order_)) {
    [[maybe_unused]] const int ignored = ::ftruncate(descriptor_.number(), 0);
  }
  // A child that was just forked has not closed its part yet: the lock is given up for all who share it.
  for (const auto* each : {&directory_, &descriptor_}) ::flock(each->number(), LOCK_UN);
  give_up();
}

void writer_lock::give_up() {
  directory_ = lmdb::descriptor{};
  descriptor_ = lmdb::descriptor{};
}

void writer_lock::undo() {
  if (created_) ::unlink(file_.c_str());
}

}  // namespace tyto

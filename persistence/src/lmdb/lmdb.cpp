#include "lmdb/lmdb.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <condition_variable>
#include <cstddef>
#include <cstring>
#include <map>
#include <optional>
#include <sstream>
#include <system_error>
#include <utility>

#include "lmdb/page_file.hpp"

namespace tyto::lmdb {

static_assert(std::endian::native == std::endian::little,
              "the stored form is little-endian, as are LMDB's own numbers");

namespace {

constexpr unsigned max_readers = 1024;
// Each has a place in the table of readers, which all processes share.
constexpr std::size_t max_idle_reads = 16;

// A look at the table of readers costs a system call for each process that reads.
constexpr std::uint64_t writes_between_reader_checks = 256;
constexpr std::uint64_t map_granularity_bytes = 65'536;

// Room for max_readers entries of 64 bytes, and for what is before them. LMDB uses a larger file as it is.
constexpr off_t lock_file_bytes = max_readers * 64 + 4'096;

constexpr auto damaged_file_advice =
    "the structure of the file is damaged: look for what else is with tyto::verify(), and restore the journal from a "
    "backup, or delete read_models/ if the file is there";

// LMDB calls it before it ends the process, and then prints `failed`, the condition that does not hold.
void say_damaged(MDB_env* handle, const char* failed) {
  const auto& in = *static_cast<const environment*>(mdb_env_get_userctx(handle));
  const auto text =
      fmt::format("tyto: '{}': {}. LMDB ends this process: {}\n", in.data_file().string(), damaged_file_advice, failed);
  [[maybe_unused]] const auto ignored = ::write(STDERR_FILENO, text.data(), text.size());
}

// What can be said of the file without LMDB, which believes what it says. Returns how long the file must be to hold
// every page that has been given out, 0 if there is none.
result<std::uint64_t> check_meta(const std::filesystem::path& directory) {
  if (!has_data(directory)) return std::uint64_t{0};
  auto file = page_file::open(directory / "data.mdb");
  if (!file) return std::move(file).error();
  auto meta = read_last_meta(*file);
  if (meta) return (meta->last_page + 1) * meta->page_bytes();
  const auto code = meta.error().code();
  return error{code, fmt::format("opening '{}'", directory.string()), code == errc::damaged ? damaged_file_advice : ""}
      .because(std::move(meta).error());
}

struct explanation {
  errc code;
  const char* advice;
};

explanation explain(int code) {
  switch (code) {
    case MDB_MAP_FULL:
      return {errc::full, "the map is full: open the storage again with a larger map_bytes"};
    case MDB_TXN_FULL:
      return {errc::full, "one transaction cannot hold that much: append less at a time"};
    case MDB_DBS_FULL:
      return {errc::full, "there are too many read models: erase read_models/ to rebuild those that are still in use"};
    case ENOSPC:
    case EDQUOT:
      return {errc::full, "the disk is full: make room"};
    case EFBIG:
      return {
          errc::full,
          "a file may not grow as large as that: raise the limit of this process (RLIMIT_FSIZE, ulimit -f), or use a "
          "file system for larger files"};
    case ENOMEM:
      return {errc::io, "there is no memory for it"};
    case files_lost:
      return {errc::io,
              "data.mdb or lock.mdb there was deleted or replaced while it was open, so what is written would be lost: "
              "stop, put the files back and open the storage again; until then backup() can copy what was stored"};
    case no_regular_file:
      return {errc::foreign, "remove it, or choose another directory"};
    case MDB_READERS_FULL:
      return {errc::overloaded, "too many reads or snapshots are under way at a time"};
    case MDB_MAP_RESIZED:
      return {errc::full, "the file has outgrown this reader's map: open it again with a larger map_bytes"};
    case EACCES:
    case EPERM:
    case EROFS:
      return {errc::permission,
              "the operating system refuses access: check owner and mode of the directory and its files"};
    case MDB_INVALID:
      return {errc::foreign, "not a file of LMDB"};
    case MDB_INCOMPATIBLE:
      return {errc::foreign, "a file of LMDB, but not one of Tyto"};
    case MDB_VERSION_MISMATCH:
      return {errc::newer_format, "written by another version of LMDB than the one in use"};
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_CURSOR_FULL:
    case MDB_BAD_TXN:   // what a transaction says after it has met one of these
    case MDB_KEYEXIST:  // we only add keys that cannot be there
#ifdef MDB_PROBLEM
    case MDB_PROBLEM:
#endif
      return {errc::damaged, damaged_file_advice};
    case MDB_PANIC:
      return {errc::io, "an earlier write failed half-way: close the storage and open it again"};
    default:
      return {errc::io, ""};
  }
}

file_id id_of(const struct stat& file) { return {file.st_dev, file.st_ino}; }

// Returns an errno, or 0.
int identify(const std::filesystem::path& path, file_id& id) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return errno;
  id = id_of(status);
  return 0;
}

int identify(int descriptor, file_id& id) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) return errno;
  id = id_of(status);
  return 0;
}

// LMDB gives out pages at the end of the file and need not write those that the same transaction frees. The file is
// extended over them, so that openings need not ask whether what is missing is free. Never makes a file shorter, for
// another thread may make it longer meanwhile. Returns an errno, or 0.
int extend(int file, std::uint64_t bytes) {
  struct stat status {};
  if (::fstat(file, &status) != 0) return errno;
  if (static_cast<std::uint64_t>(status.st_size) >= bytes) return 0;
  return ::posix_fallocate(file, static_cast<off_t>(bytes - 1), 1);
}

// What a commit left that could not extend the file, or after which the process was killed.
int extend(const std::filesystem::path& file, std::uint64_t bytes) {
  if (bytes == 0) return 0;
  descriptor opened;
  const int code = open_file(file, O_WRONLY, opened);
  return code == 0 ? extend(opened.number(), bytes) : code;
}

// The environments that are open in this process, by directory. An entry whose environment is gone is one that is just
// being closed.
struct open_environments {
  std::mutex mutex;
  std::condition_variable closed;
  std::map<file_id, std::weak_ptr<environment>> by_directory;
};

open_environments& registry();

// A forked child has none of them.
open_environments* make_registry() {
  detail::at_fork([] { registry().mutex.lock(); }, [] { registry().mutex.unlock(); },
                  [] {
                    registry().by_directory.clear();
                    registry().mutex.unlock();
                  });
  return new open_environments;
}

open_environments& registry() {
  static auto* const instance = make_registry();  // never destroyed: stores may live in other static objects
  return *instance;
}

}  // namespace

error to_error(int code, std::string doing) {
  const auto [kind, advice] = explain(code);
  std::string detail = code == files_lost        ? "its files are gone"
                       : code == no_regular_file ? "it is not a regular file"
                                                 : mdb_strerror(code);
  if (*advice != '\0') detail += fmt::format("; {}", advice);
  return {kind, std::move(doing), std::move(detail)};
}

int open_file(const std::filesystem::path& file, int flags, descriptor& opened) {
  opened = descriptor{::open(file.c_str(), flags | O_CLOEXEC | O_NONBLOCK, 0644)};
  struct stat status {};
  if (!opened || ::fstat(opened.number(), &status) != 0) return errno;
  return S_ISREG(status.st_mode) ? 0 : no_regular_file;
}

descriptor::~descriptor() {
  if (number_ >= 0) ::close(number_);
}

transaction::~transaction() {
  if (handle_ == nullptr || !environment_->is_of_this_process()) return;
  reusable_ ? environment_->take_back(handle_) : mdb_txn_abort(handle_);
}

int transaction::get(table from, std::string_view key, std::string_view& value) const {
  auto k = to_val(key);
  MDB_val v{};
  const int code = mdb_get(handle_, from, &k, &v);
  if (code == 0) value = to_view(v);
  return code;
}

transaction::table_size transaction::size_of(table which) const {
  MDB_stat stat{};
  if (mdb_stat(handle_, which, &stat) != 0) return {};
  return {stat.ms_entries, std::uint64_t{stat.ms_leaf_pages} * stat.ms_psize};
}

int transaction::put(table into, std::string_view key, std::string_view value, unsigned flags) {
  auto k = to_val(key);
  auto v = to_val(value);
  return mdb_put(handle_, into, &k, &v, flags);
}

int transaction::erase(table from, std::string_view key) {
  auto k = to_val(key);
  return mdb_del(handle_, from, &k, nullptr);
}

int transaction::commit() {
  if (!environment_->is_of_this_process()) return EPERM;
  const int code = mdb_txn_commit(std::exchange(handle_, nullptr));
  if (code == 0 && size_errors_) {
    environment_->extend_file();
    if (!environment_->may_write()) return files_lost;
  }
  if (code != 0) environment_->has_failed_to_sync();
  return code == EIO ? environment_->why_not_written() : code;
}

int cursor::put(std::string_view key, std::string_view value) {
  if (failed_ != 0) return failed_;
  key_ = to_val(key);
  value_ = to_val(value);
  return mdb_cursor_put(handle_, &key_, &value_, 0);
}

int cursor::reserve(std::string_view key, std::size_t size, unsigned flags, char*& room) {
  if (failed_ != 0) return failed_;
  key_ = to_val(key);
  value_ = {size, nullptr};
  const int code = mdb_cursor_put(handle_, &key_, &value_, flags | MDB_RESERVE);
  room = static_cast<char*>(value_.mv_data);
  return code;
}

result<std::unique_ptr<environment>> environment::create(const environment_options& options, unsigned extra_flags) {
  const auto doing = fmt::format("opening '{}'", options.directory.string());
  auto needed = check_meta(options.directory);
  if (!needed) return std::move(needed).error();
  MDB_env* handle = nullptr;
  if (const int code = mdb_env_create(&handle); code != 0) return to_error(code, doing);
  std::unique_ptr<environment> created{new environment{options, handle}};

  const file_size_errors instead_of_a_signal;
  const reserved_standard_descriptors not_for_files;
  if ((extra_flags & MDB_NOLOCK) == 0) {
    const int code = created->back_lock_file();
    if (code == EACCES && options.read_only) {
      return error{errc::permission, doing,
                   "a reader puts itself on the list in lock.mdb, so that what it reads is kept: give this user write "
                   "permission to that file, in journal/ and read_models/, or have it read a backup()"};
    }
    if (code != 0) {
      return to_error(code, fmt::format("preparing '{}'", (options.directory / "lock.mdb").string()));
    }
  }
  if (!options.read_only) {
    if (const int code = extend(created->data_file(), *needed); code != 0) {
      return to_error(code, fmt::format("extending '{}' to {} bytes", created->data_file().string(), *needed));
    }
  }
  const auto map_bytes =
      (options.map_bytes + map_granularity_bytes - 1) / map_granularity_bytes * map_granularity_bytes;
  unsigned flags = MDB_NOTLS | extra_flags;
  if (options.read_only) flags |= MDB_RDONLY;
  if (options.lazy_meta_sync) flags |= MDB_NOMETASYNC;
  mdb_env_set_userctx(handle, created.get());
  mdb_env_set_assert(handle, say_damaged);
  int code = mdb_env_set_mapsize(handle, map_bytes);
  if (code == 0) code = mdb_env_set_maxreaders(handle, max_readers);
  if (code == 0) code = mdb_env_set_maxdbs(handle, options.max_tables);
  if (code == 0) code = mdb_env_open(handle, options.directory.c_str(), flags, 0644);
  if (code == ENOMEM) {
    return error{errc::io, doing,
                 fmt::format("this process has no room for {} bytes of addresses: open it with a smaller map_bytes, or "
                             "raise the limit (RLIMIT_AS, ulimit -v)",
                             map_bytes)};
  }
  if (code != 0) return to_error(code, doing);
  int file = -1;
  mdb_env_get_fd(handle, &file);
  if (code = identify(file, created->data_file_); code != 0) return to_error(code, doing);
  return created;
}

// LMDB makes the lock file with holes and writes to it through memory: on a full disk that would end the process.
// Returns an errno, or 0.
int environment::back_lock_file() {
  const int code = open_file(options_.directory / "lock.mdb", O_RDWR | O_CREAT, lock_);
  if (code != 0) return code == EROFS && options_.read_only ? 0 : code;  // then LMDB does without, too
  struct stat status {};
  if (::fstat(lock_.number(), &status) != 0) return errno;
  lock_file_ = id_of(status);
  constexpr off_t block_bytes = 512;
  const auto size = std::max(status.st_size, lock_file_bytes);
  if (status.st_size >= size && status.st_blocks * block_bytes >= size) return 0;
  return ::posix_fallocate(lock_.number(), 0, size);
}

result<std::shared_ptr<environment>> environment::inspect(const environment_options& options) {
  auto read_only = options;
  read_only.read_only = true;
  auto created = create(read_only, MDB_NOLOCK);
  if (!created) return std::move(created).error();
  return std::shared_ptr<environment>{*std::move(created)};
}

namespace {

// The registry's mutex must be held.
std::shared_ptr<environment> share(std::unique_ptr<environment> opened, file_id directory) {
  const auto close = [directory](environment* closing) {
    auto& still_open = registry();
    const std::lock_guard lock{still_open.mutex};
    const bool is_ours = closing->is_of_this_process();
    delete closing;
    if (!is_ours) return;
    still_open.by_directory.erase(directory);
    still_open.closed.notify_all();
  };
  std::shared_ptr<environment> shared{opened.release(), close};
  registry().by_directory.emplace(directory, shared);
  return shared;
}

}  // namespace

result<std::shared_ptr<environment>> environment::open(const environment_options& options) {
  const auto doing = fmt::format("opening '{}'", options.directory.string());
  auto& open = registry();
  std::unique_lock lock{open.mutex};
  constexpr int attempts = 10;  // each further one means that another process exchanged the directory meanwhile
  for (int attempt = 0; attempt < attempts; ++attempt) {
    descriptor directory{::open(options.directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    file_id key;
    if (!directory || identify(directory.number(), key) != 0) return to_error(errno, doing);
    if (const auto found = open.by_directory.find(key); found != open.by_directory.end()) {
      if (auto shared = found->second.lock()) {
        if (!shared->read_only() || options.read_only) return shared;
        return error{errc::locked, doing,
                     "this process has it open for reading: close that before opening it for writing"};
      }
      open.closed.wait(lock);
      attempt = 0;
      continue;
    }
    auto created = create(options, 0);
    // LMDB opens its two files by name, one after the other: they must be of one directory.
    file_id now;
    if (const int code = identify(options.directory, now); code != 0) return to_error(code, doing);
    if (now != key) continue;
    if (!created) return std::move(created).error();
    (*created)->directory_ = std::move(directory);
    (*created)->forget_dead_readers();
    return share(*std::move(created), key);
  }
  return error{errc::io, doing, "the directory keeps changing"};
}

// What was in use by readers whose process has ended can be used again; if this fails, it is not.
void environment::forget_dead_readers() const {
  int dead_readers = 0;
  mdb_reader_check(handle_, &dead_readers);
}

result<void> environment::check_process() const {
  if (owner_.is_this()) return {};
  const auto name = fmt::format("'{}'", options_.directory.string());
  return owner_.refusal("beginning a transaction in " + name, name);
}

result<transaction> environment::begin(unsigned flags) const {
  if (auto ours = check_process(); !ours) return std::move(ours).error();
  const bool writes = (flags & MDB_RDONLY) == 0;
  const auto doing = [&] { return fmt::format("beginning a transaction in '{}'", options_.directory.string()); };
  std::optional<file_size_errors> size_errors;
  if (writes) {
    if (!may_write()) return to_error(files_lost, doing());
    size_errors.emplace();
  }
  if (writes && ++writes_begun_ % writes_between_reader_checks == 0) forget_dead_readers();
  MDB_txn* handle = nullptr;
  int code = mdb_txn_begin(handle_, nullptr, flags, &handle);
  if (code == MDB_READERS_FULL) {
    forget_dead_readers();
    code = mdb_txn_begin(handle_, nullptr, flags, &handle);
  }
  if (code != 0) return to_error(code, doing());
  if (!writes) code = see_one_commit(handle);
  if (writes && is_unsettled_) code = settle();
  if (code != 0) {
    mdb_txn_abort(handle);
    return to_error(code, doing());
  }
  if (writes) is_unsettled_ = false;
  return transaction{shared_from_this(), handle, false, std::move(size_errors)};
}

// A read takes the number of the last commit and then looks at that commit's meta page, which the commit after next
// writes anew. A read that is held up in between has the number of the one and sees the other, or half of each. It is
// safe only if its commit still is the last one when it has begun. Where that does not come about, a writer has died or
// failed between its meta page and its number, and nothing is being written.
int environment::see_one_commit(MDB_txn* read) const {
  constexpr int attempts = 100;
  for (int i = 0; i < attempts; ++i) {
    MDB_envinfo info{};
    if (const int code = mdb_env_info(handle_, &info); code != 0) return code;
    if (info.me_last_txnid == mdb_txn_id(read)) return 0;
    mdb_txn_reset(read);
    if (const int code = mdb_txn_renew(read); code != 0) return code;
  }
  return 0;
}

result<transaction> environment::begin_read() const {
  if (auto ours = check_process(); !ours) return std::move(ours).error();
  MDB_txn* idle = nullptr;
  {
    const std::lock_guard lock{idle_reads_mutex_};
    if (!idle_reads_.empty()) {
      idle = idle_reads_.back();
      idle_reads_.pop_back();
    }
  }
  if (idle != nullptr && mdb_txn_renew(idle) == 0 && see_one_commit(idle) == 0) {
    return transaction{shared_from_this(), idle, true};
  }
  if (idle != nullptr) mdb_txn_abort(idle);
  auto begun = begin(MDB_RDONLY);
  if (begun) begun->reusable_ = true;
  return begun;
}

void environment::take_back(MDB_txn* read) const {
  mdb_txn_reset(read);
  {
    const std::lock_guard lock{idle_reads_mutex_};
    if (idle_reads_.size() < max_idle_reads) return idle_reads_.push_back(read);
  }
  mdb_txn_abort(read);
}

environment::~environment() {
  if (!owner_.is_this()) {
    lock_.leave_open();  // to close it would end the locks that the child has by now
    return;
  }
  for (auto* each : idle_reads_) mdb_txn_abort(each);
  mdb_env_close(handle_);
}

void environment::sync_commits(bool each) { mdb_env_set_flags(handle_, MDB_NOSYNC, each ? 0 : 1); }

result<void> environment::sync() {
  const int code = mdb_env_sync(handle_, 1);
  if (code != 0) has_failed_to_sync();
  return code == 0 ? result<void>{} : to_error(code, fmt::format("syncing '{}'", data_file().string()));
}

// Where commits leave a meta page to a later sync and that sync fails, the system takes the page for written: it may
// never reach the disk, and what is in memory may go any time. It is written anew at once, or before the next commit.
void environment::has_failed_to_sync() const {
  if (!options_.lazy_meta_sync) return;
  is_unsettled_ = true;
  (void)begin(0);
}

// Brings to the disk what the meta pages in memory say, so that nobody builds on what a loss of power would undo.
// Returns an errno, or 0. Called in a transaction that writes.
int environment::settle() const {
  MDB_stat stat{};
  int file = -1;
  mdb_env_stat(handle_, &stat);
  mdb_env_get_fd(handle_, &file);
  std::string pages(2 * std::size_t{stat.ms_psize}, '\0');
  const auto whole = static_cast<ssize_t>(pages.size());
  auto done = ::pread(file, pages.data(), pages.size(), 0);
  if (done == whole) done = ::pwrite(file, pages.data(), pages.size(), 0);
  if (done != whole) return done < 0 ? errno : why_not_written();
  return ::fdatasync(file) == 0 ? 0 : errno;
}

result<void> environment::take_place_of(const environment& other) {
  const auto ours = directory();
  const auto place = other.directory();
  const auto failed = [&](int code) {
    return to_error(code, fmt::format("putting '{}' in the place of '{}'", ours.string(), place.string()));
  };
  if (auto synced = sync_directory(ours); !synced) return synced;
  const std::lock_guard lock{registry().mutex};  // who opens one of them meanwhile sees it before or after
  const auto exchange = [&] {
    return ::renameat2(AT_FDCWD, ours.c_str(), AT_FDCWD, place.c_str(), RENAME_EXCHANGE) != 0 ? errno : 0;
  };
  if (const int code = exchange(); code == EINVAL || code == ENOSYS) {
    return error{errc::io, failed(code).doing(), "this file system cannot exchange two directories in one step"};
  } else if (code != 0) {
    return failed(code);
  }
  if (auto synced = sync_directory(place.parent_path()); !synced) {
    if (exchange() == 0) return synced;  // if not, it has to stay there: what is opened from now on is this one
  }
  options_.directory = place;
  return {};
}

result<bool> environment::in_place() const {
  file_id now;
  if (const int code = identify(data_file(), now); code != 0) {
    return to_error(code, fmt::format("looking for '{}'", data_file().string()));
  }
  return now == data_file_;
}

bool environment::has_its_files() const {
  const auto is_gone = [this](const char* name, file_id opened) {
    file_id now;
    const int code = identify(options_.directory / name, now);
    if (code == 0) return now != opened;
    return code == ENOENT || code == ENOTDIR;  // who may not look does not know
  };
  return !is_gone("data.mdb", data_file_) && (!lock_ || !is_gone("lock.mdb", lock_file_));
}

bool environment::may_write() const {
  if (!has_its_files()) files_are_lost_ = true;
  return !files_are_lost_;
}

result<void> environment::check_files() const {
  if (!files_are_lost_ && has_its_files()) return {};
  return to_error(files_lost, fmt::format("looking for the files of '{}'", options_.directory.string()));
}

namespace {

struct listed_reader {
  int process = 0;
  std::uint64_t reads_at = 0;  // the number of the last transaction that it sees
};

// Takes a line of LMDB's list: process, thread and what it reads at, "-" if nothing.
int keep_slowest(const char* line, void* to) {
  auto& slowest = *static_cast<std::optional<listed_reader>*>(to);
  std::istringstream words{line};
  listed_reader found;
  std::string thread;
  if (!(words >> found.process >> thread >> found.reads_at)) return 0;
  if (!slowest || found.reads_at < slowest->reads_at) slowest = found;
  return 0;
}

// How many commits are looked at to tell what a reader holds: more take time, and so many hold much already.
constexpr int commits_counted = 65'536;

}  // namespace

storage_condition environment::condition() const {
  storage_condition now;
  now.files = check_process();
  if (!now.files) return now;
  now.files = check_files();
  if (!read_only()) forget_dead_readers();
  std::optional<listed_reader> slowest;
  MDB_envinfo info{};
  if (mdb_reader_list(handle_, keep_slowest, &slowest) < 0 || mdb_env_info(handle_, &info) != 0) return now;
  MDB_stat stat{};
  mdb_env_stat(handle_, &stat);
  now.used_bytes = (info.me_last_pgno + 1) * stat.ms_psize;
  now.capacity_bytes = info.me_mapsize;
  if (!slowest || slowest->reads_at >= info.me_last_txnid) return now;
  now.slowest_reader =
      lagging_reader{slowest->process, info.me_last_txnid - slowest->reads_at, bytes_held_since(slowest->reads_at)};
  return now;
}

// LMDB lists the pages that each commit has given up in a table without a name, by the commit's number.
std::uint64_t environment::bytes_held_since(std::uint64_t commit) const {
  constexpr table given_up = 0;
  auto reading = begin_read();
  if (!reading) return 0;
  MDB_stat stat{};
  mdb_env_stat(handle_, &stat);
  std::uint64_t pages = 0;
  cursor each{*reading, given_up};
  int code = each.move(MDB_LAST);
  for (int left = commits_counted; code == 0 && left > 0; code = each.move(MDB_PREV), --left) {
    std::size_t number = 0;
    std::size_t count = 0;
    if (each.key().size() != sizeof number || each.value().size() < sizeof count) break;
    std::memcpy(&number, each.key().data(), sizeof number);
    if (number <= commit) break;
    std::memcpy(&count, each.value().data(), sizeof count);
    pages += count;
  }
  return pages * stat.ms_psize;
}

result<void> sync_directory(const std::filesystem::path& directory) {
  const descriptor opened{::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (opened && ::fsync(opened.number()) == 0) return {};
  return to_error(errno, fmt::format("syncing '{}'", directory.string()));
}

result<void> environment::with_tables(bool write, const std::function<result<void>(transaction&)>& open) {
  if (auto ours = check_process(); !ours) return ours;  // before the lock: another thread may have held it at the fork
  const std::lock_guard lock{tables_mutex_};
  auto begun = begin(write ? 0 : MDB_RDONLY);  // one that opens tables must not be used again
  if (!begun) return std::move(begun).error();
  if (auto opened = open(*begun); !opened) return opened;
  if (const int code = begun->commit(); code != 0) {
    return to_error(code, fmt::format("opening the tables of '{}'", options_.directory.string()));
  }
  return {};
}

namespace {

// A file to be written that is removed unless it has been given its name.
class unnamed_file {
 public:
  explicit unnamed_file(std::filesystem::path path)
      : path_(std::move(path)),
        descriptor_(::open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644)),
        failed_(descriptor_ < 0 ? errno : 0) {}
  unnamed_file(unnamed_file&&) = delete;
  ~unnamed_file() {
    if (descriptor_ < 0) return;
    ::close(descriptor_);
    if (!named_) ::unlink(path_.c_str());
  }

  [[nodiscard]] int failed() const { return failed_; }
  [[nodiscard]] int descriptor() const { return descriptor_; }
  // Makes the content durable first, then the name. Returns an errno, or 0.
  int name(const std::filesystem::path& path) {
    if (::fsync(descriptor_) != 0 || ::rename(path_.c_str(), path.c_str()) != 0) return errno;
    named_ = true;
    return sync_directory(path.parent_path()) ? 0 : EIO;
  }

 private:
  std::filesystem::path path_;
  int descriptor_;
  int failed_;
  bool named_ = false;
};

// Returns how long the file must be to hold every page that has been given out.
std::uint64_t needed_bytes(MDB_env* handle) {
  MDB_envinfo info{};
  MDB_stat stat{};
  mdb_env_info(handle, &info);
  mdb_env_stat(handle, &stat);
  return (std::uint64_t{info.me_last_pgno} + 1) * stat.ms_psize;
}

}  // namespace

result<void> environment::copy_to(const std::filesystem::path& directory) const {
  if (auto ours = check_process(); !ours) return ours;
  const auto file = directory / "data.mdb";
  const auto failed = [&](int code) {
    return to_error(code, fmt::format("copying '{}' to '{}'", data_file().string(), file.string()));
  };
  const file_size_errors instead_of_a_signal;
  unnamed_file copy{directory / "data.mdb.unfinished"};
  if (copy.failed() != 0) return failed(copy.failed());
  if (const int code = mdb_env_copyfd2(handle_, copy.descriptor(), MDB_CP_COMPACT); code != 0) return failed(code);
  if (const int code = copy.name(file); code != 0) return failed(code);
  return {};
}

// Nothing that was written is lost if this fails, and there is no way back from a commit: the next writer extends the
// file when it opens it.
void environment::extend_file() const {
  int file = -1;
  mdb_env_get_fd(handle_, &file);
  [[maybe_unused]] const int ignored = extend(file, needed_bytes(handle_));
}

// A disk that fills up takes the first part of a write, and LMDB makes EIO of that. Asked for one more page, the disk
// says whether it is full, or the file as large as it may be.
int environment::why_not_written() const {
  int file = -1;
  struct stat status {};
  mdb_env_get_fd(handle_, &file);
  if (::fstat(file, &status) != 0) return EIO;
  const int failed = ::posix_fallocate(file, status.st_size, ::sysconf(_SC_PAGESIZE));
  return failed == ENOSPC || failed == EDQUOT || failed == EFBIG ? failed : EIO;
}

namespace {

// The begin of LMDB's first meta page: a page header of 16 bytes, the magic number, and so on to the number of the last
// transaction that this page tells of. Read here because mdb_env_open() would leave a lock file next to a file that it
// refuses, and would take an emptied file for a new one.
struct first_meta {
  static constexpr std::uint32_t expected_magic = 0xBEEFC0DE;
  char header[16];
  std::uint32_t magic;
  char between[124];
  std::uint64_t transaction;
};
static_assert(sizeof(first_meta) == 152);

constexpr std::size_t magic_end = offsetof(first_meta, between);

// Sets how many bytes of `meta` the file has; a missing file has none. Returns a code for to_error(), or 0.
int read_first_meta(const std::filesystem::path& file, first_meta& meta, ssize_t& size) {
  size = 0;
  descriptor opened;
  if (const int code = open_file(file, O_RDONLY, opened); code != 0) return code == ENOENT ? 0 : code;
  size = ::read(opened.number(), &meta, sizeof meta);
  return size < 0 ? errno : 0;
}

}  // namespace

result<void> check_data_file(const std::filesystem::path& directory) {
  const auto path = directory / "data.mdb";
  const auto doing = fmt::format("opening '{}'", path.string());
  first_meta meta{};
  ssize_t size = 0;
  if (const int code = read_first_meta(path, meta, size); code != 0) return to_error(code, doing);
  if (size == 0) return {};
  if (size < static_cast<ssize_t>(magic_end) || meta.magic != first_meta::expected_magic) {
    return error{errc::foreign, doing, "not a file of LMDB: choose another directory"};
  }
  return {};
}

bool has_data(const std::filesystem::path& directory) {
  std::error_code failed;
  const auto status = std::filesystem::status(directory / "data.mdb", failed);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) return true;
  const auto size = std::filesystem::file_size(directory / "data.mdb", failed);
  if (failed || size == 0) return false;
  if (size >= 2 * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE))) return true;
  first_meta meta{};
  ssize_t read = 0;
  const int code = read_first_meta(directory / "data.mdb", meta, read);
  return code != 0 || read < static_cast<ssize_t>(sizeof meta) || meta.transaction != 0;
}

}  // namespace tyto::lmdb

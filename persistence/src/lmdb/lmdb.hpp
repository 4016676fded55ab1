// LMDB with owners for its handles and errors in our words; nothing else of ours includes <lmdb.h>. The calls return
// LMDB's own codes, 0 for success: whoever knows what was being done turns them into an error with to_error().
#pragma once

#include <lmdb.h>
#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lmdb/process_limits.hpp"
#include "tyto/detail/owner_process.hpp"
#include "tyto/result.hpp"
#include "tyto/storage_condition.hpp"

namespace tyto::lmdb {

using table = MDB_dbi;

/// A code of our own beside those of LMDB: a file of the environment was deleted or replaced.
inline constexpr int files_lost = -20'000;

/// Another one: something else is where a file should be, for example a pipe.
inline constexpr int no_regular_file = -20'001;

/// Returns the error for a code of LMDB, one of our own, or an errno.
error to_error(int code, std::string doing);

inline MDB_val to_val(std::string_view bytes) { return {bytes.size(), const_cast<char*>(bytes.data())}; }
inline std::string_view to_view(const MDB_val& val) { return {static_cast<const char*>(val.mv_data), val.mv_size}; }

/// What tells two files apart.
using file_id = std::pair<dev_t, ino_t>;

/// Owns a file descriptor, or none.
class descriptor {
 public:
  explicit descriptor(int number = -1) : number_(number) {}
  descriptor(descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~descriptor();

  [[nodiscard]] int number() const { return number_; }
  /// Leaves it open for good.
  void leave_open() { number_ = -1; }
  explicit operator bool() const { return number_ >= 0; }

 private:
  int number_;
};

/// Opens `file` of a storage, like open(2), and without waiting, whatever it is. Returns an errno, no_regular_file, or
/// 0.
int open_file(const std::filesystem::path& file, int flags, descriptor& opened);

class environment;

/// A transaction, aborted unless it is committed. Keeps its environment open.
class transaction {
 public:
  transaction(transaction&& other) noexcept
      : environment_(std::move(other.environment_)),
        handle_(std::exchange(other.handle_, nullptr)),
        reusable_(other.reusable_),
        size_errors_(std::move(other.size_errors_)) {}
  transaction& operator=(transaction&&) = delete;
  ~transaction();

  /// Opens a table; `flags` may hold MDB_CREATE. Only inside environment::with_tables().
  int open_table(const char* name, unsigned flags, table& opened) {
    return mdb_dbi_open(handle_, name, flags, &opened);
  }

  int get(table from, std::string_view key, std::string_view& value) const;
  struct table_size {
    std::uint64_t entries = 0;
    std::uint64_t bytes = 0;  // of the pages on which they lie
  };
  [[nodiscard]] table_size size_of(table which) const;
  int put(table into, std::string_view key, std::string_view value, unsigned flags = 0);
  int erase(table from, std::string_view key);
  /// Removes all entries.
  int clear(table which) { return mdb_drop(handle_, which, 0); }
  /// Ends the transaction, also on failure. Fails with files_lost if nobody can find what it has written.
  int commit();

  /// Returns the number of the last transaction that this one sees, or its own if it writes.
  [[nodiscard]] std::uint64_t id() const { return mdb_txn_id(handle_); }

  [[nodiscard]] MDB_txn* handle() const { return handle_; }

 private:
  friend environment;
  transaction(std::shared_ptr<const environment> owner, MDB_txn* handle, bool reusable,
              std::optional<file_size_errors> size_errors = {})
      : environment_(std::move(owner)), handle_(handle), reusable_(reusable), size_errors_(std::move(size_errors)) {}

  std::shared_ptr<const environment> environment_;
  MDB_txn* handle_;
  bool reusable_;                                // a read that has opened no tables
  std::optional<file_size_errors> size_errors_;  // of one that writes
};

/// A place in a table, valid as long as its transaction. What key() and value() show lies in LMDB's pages.
class cursor {
 public:
  cursor(const transaction& in, table over) : failed_(mdb_cursor_open(in.handle(), over, &handle_)) {}
  cursor(cursor&&) = delete;
  ~cursor() {
    if (handle_ != nullptr) mdb_cursor_close(handle_);
  }

  /// Moves without a key: MDB_FIRST, MDB_LAST, MDB_NEXT, MDB_PREV.
  int move(MDB_cursor_op op) { return failed_ != 0 ? failed_ : mdb_cursor_get(handle_, &key_, &value_, op); }
  /// Moves to `key` with MDB_SET_KEY, or with MDB_SET_RANGE to the first one not less.
  int seek(std::string_view key, MDB_cursor_op op) {
    key_ = to_val(key);
    return move(op);
  }
  /// Stores `value` under `key`. Short ways where one key follows the other.
  int put(std::string_view key, std::string_view value);
  /// Makes room for `size` bytes under `key` and returns where to write them.
  int reserve(std::string_view key, std::size_t size, unsigned flags, char*& room);

  [[nodiscard]] std::string_view key() const { return to_view(key_); }
  [[nodiscard]] std::string_view value() const { return to_view(value_); }

 private:
  MDB_cursor* handle_ = nullptr;
  int failed_;
  MDB_val key_{};
  MDB_val value_{};
};

struct environment_options {
  std::filesystem::path directory;
  std::uint64_t map_bytes = 0;
  unsigned max_tables = 0;
  bool read_only = false;
  bool lazy_meta_sync = false;  // MDB_NOMETASYNC
};

/// An LMDB environment. LMDB must not open a directory twice in one process (its file locks would be lost), so whoever
/// asks for one that is open shares it: a reader also the writer's.
///
/// It belongs to the process that opened it. In a forked child beginning a transaction fails with errc::locked, and
/// what the child destroys is left as it is: LMDB would give up what is the parent's.
class environment : public std::enable_shared_from_this<environment> {
 public:
  /// Opens the environment, which is created if there is none and it is not opened read-only. Fails with errc::damaged
  /// if its meta pages are, or its file lacks pages at the end that are not free: touching what is missing would end
  /// the process. A file that lacks free ones is extended, unless it is opened read-only: errc::full if it cannot be.
  static result<std::shared_ptr<environment>> open(const environment_options& options);

  /// Opens an existing environment to look at it, without creating or locking anything; the caller vouches that nobody
  /// writes meanwhile.
  static result<std::shared_ptr<environment>> inspect(const environment_options& options);

  environment(const environment&) = delete;
  environment& operator=(const environment&) = delete;
  ~environment();

  [[nodiscard]] result<transaction> begin_read() const;
  [[nodiscard]] result<transaction> begin_write() { return begin(0); }

  /// Runs `open` in a transaction of its own and commits it, so that the tables which it opened stay open. LMDB allows
  /// one such transaction at a time; transactions that begin later can use the tables.
  result<void> with_tables(bool write, const std::function<result<void>(transaction&)>& open);

  /// Writes what is committed, as of one moment, to a new environment in `directory`, which must exist: without the
  /// pages that are free, and synced. Others may write meanwhile. There is a data.mdb, complete, or none.
  result<void> copy_to(const std::filesystem::path& directory) const;

  /// Whether commits reach the disk before they return, as they do at first, or wait for sync(). To fill an environment
  /// that counts for nothing until it is full.
  void sync_commits(bool each);
  /// Brings to the disk what is committed.
  result<void> sync();

  /// Exchanges the directories of this environment and of `other` in one step, which survives losing power and cannot
  /// be interrupted half-way: this one then lies where `other` was. Both stay open with the files that they have.
  /// Before it, nobody else may use this environment. On failure nothing is changed.
  result<void> take_place_of(const environment& other);
  /// Returns whether its data file still is the one that lies in its directory: fails if none does.
  [[nodiscard]] result<bool> in_place() const;
  /// Fails if one of its files is no longer the one of that name: who opens the directory now does not see what is
  /// written here, nor who reads here. An environment that finds it so when it is to write takes no more transactions
  /// that do, for it may not know what has become of the last one.
  [[nodiscard]] result<void> check_files() const;

  /// Returns what check_files() says, and who of all processes reads at one place for longest.
  [[nodiscard]] storage_condition condition() const;

  [[nodiscard]] std::filesystem::path directory() const { return options_.directory; }
  [[nodiscard]] std::filesystem::path data_file() const { return options_.directory / "data.mdb"; }
  /// What has been opened as data_file().
  [[nodiscard]] file_id data_file_id() const { return data_file_; }
  [[nodiscard]] bool read_only() const { return options_.read_only; }
  [[nodiscard]] bool is_of_this_process() const { return owner_.is_this(); }
  /// Fails with errc::locked in a forked child.
  [[nodiscard]] result<void> check_process() const;

 private:
  friend transaction;
  environment(environment_options options, MDB_env* handle) : options_(std::move(options)), handle_(handle) {}
  static result<std::unique_ptr<environment>> create(const environment_options& options, unsigned extra_flags);
  [[nodiscard]] result<transaction> begin(unsigned flags) const;
  [[nodiscard]] int see_one_commit(MDB_txn* read) const;
  void extend_file() const;
  [[nodiscard]] int back_lock_file();
  [[nodiscard]] bool has_its_files() const;
  [[nodiscard]] bool may_write() const;
  void has_failed_to_sync() const;
  [[nodiscard]] int settle() const;
  [[nodiscard]] std::uint64_t bytes_held_since(std::uint64_t commit) const;
  [[nodiscard]] int why_not_written() const;

  void take_back(MDB_txn* read) const;
  void forget_dead_readers() const;

  environment_options options_;
  // The lock file, which LMDB opens for itself too. Given up after LMDB's, for the end of either ends the locks of this
  // process. None where LMDB does without.
  descriptor lock_;
  file_id lock_file_{};
  MDB_env* handle_;
  detail::owner_process owner_;
  descriptor directory_;  // keeps the directory's inode from being given to another one while this is open
  file_id data_file_{};
  std::mutex tables_mutex_;  // held while tables are being opened

  mutable std::atomic<std::uint64_t> writes_begun_ = 0;
  mutable std::atomic<bool> files_are_lost_ = false;
  mutable std::atomic<bool> is_unsettled_ = true;  // the disk may not have what the meta pages say

  // Reads that are over. To begin one anew costs LMDB memory for every table that could be open, and a lock that all
  // processes share; to use one again costs neither. They see nothing and keep nothing until then.
  mutable std::mutex idle_reads_mutex_;
  mutable std::vector<MDB_txn*> idle_reads_;
};

/// Makes the entries of `directory` durable.
result<void> sync_directory(const std::filesystem::path& directory);

/// Fails with errc::foreign or errc::damaged if `directory` holds a data file that does not begin like one of LMDB.
/// Touches nothing.
result<void> check_data_file(const std::filesystem::path& directory);

/// Returns whether `directory` has a data file that is more than what a process leaves which ends while LMDB creates
/// it: nothing, or less than the two meta pages, the first of which tells of no transaction. The second transaction,
/// which creates the tables, changes that. What is no regular file counts as one, for whoever opens it to refuse.
bool has_data(const std::filesystem::path& directory);

}  // namespace tyto::lmdb

// The right to write to a storage directory: a lock of the operating system on the directory itself, so that no file
// that somebody deletes takes it along, and on the file `writer.lock`, which earlier versions look at. The locks go
// with the process. The file says who has them, until that writer ends in order.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>

#include "lmdb/lmdb.hpp"
#include "tyto/detail/owner_process.hpp"
#include "tyto/result.hpp"

namespace tyto {

class writer_lock {
 public:
  /// Takes the lock of `directory`; fails with errc::locked, naming the process that has it. A child that the owner
  /// forks does not have the lock, and does not keep it when the owner ends.
  static result<std::shared_ptr<writer_lock>> acquire(const std::filesystem::path& directory);

  writer_lock(const writer_lock&) = delete;
  writer_lock& operator=(const writer_lock&) = delete;
  ~writer_lock();

  /// Returns the process that has the lock of `directory` now, as the operating system lists it, if any has. Takes no
  /// lock, so it is in nobody's way.
  static std::optional<std::int64_t> owner(const std::filesystem::path& directory);

  /// Whether the writer before this one gave up its lock, or there was none: then it was neither killed, nor did the
  /// machine stop under it.
  [[nodiscard]] bool last_writer_ended_in_order() const { return last_ended_in_order_; }
  /// What the last writer left has been found to be usable: from now on this writer's own end counts. An opening that
  /// fails before leaves the file's word as it was.
  void begin_writing() { is_writing_ = true; }

  /// Removes the file if acquire() created it, for a directory that turns out not to be usable.
  void undo();

 private:
  writer_lock(std::filesystem::path file, lmdb::descriptor directory, lmdb::descriptor opened, bool created);
  /// Takes the operating system's lock of both; returns an errno, or 0.
  [[nodiscard]] int lock() const;
  void give_up();
  friend struct open_writer_locks;

  std::filesystem::path file_;
  lmdb::descriptor directory_;
  lmdb::descriptor descriptor_;
  bool created_;
  bool is_held_ = false;
  bool last_ended_in_order_ = false;
  bool is_writing_ = false;
  detail::owner_process owner_;
};

}  // namespace tyto

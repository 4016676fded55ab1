// The right to write to a storage directory: a lock of the operating system on the file `writer.lock`, which goes with
// the process, and whose content says who has it.
#pragma once

#include <filesystem>
#include <memory>

#include "tyto/result.hpp"

namespace tyto {

class writer_lock {
 public:
  /// Takes the lock of `directory`; fails with errc::locked, naming the process that has it.
  static result<std::shared_ptr<writer_lock>> acquire(const std::filesystem::path& directory);

  writer_lock(const writer_lock&) = delete;
  writer_lock& operator=(const writer_lock&) = delete;
  ~writer_lock();

  /// Removes the file if acquire() created it, for a directory that turns out not to be usable.
  void undo() const;

 private:
  writer_lock(std::filesystem::path file, int descriptor, bool created)
      : file_(std::move(file)), descriptor_(descriptor), created_(created) {}

  std::filesystem::path file_;
  int descriptor_;
  bool created_;
};

}  // namespace tyto

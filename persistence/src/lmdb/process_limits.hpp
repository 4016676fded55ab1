// What a program may have done to its own process, and that must not reach the files.
#pragma once

#include <utility>

namespace tyto {

/// While one exists, files that are opened get none of the descriptors 0 to 2. In a program that has closed its
/// standard output, they else would, and take in what it prints. Any thread, also several at a time.
class reserved_standard_descriptors {
 public:
  reserved_standard_descriptors();
  reserved_standard_descriptors(const reserved_standard_descriptors&) = delete;
  ~reserved_standard_descriptors();
};

/// While it exists, a write of this thread beyond the size that files of this process may have (RLIMIT_FSIZE) fails
/// with EFBIG; else the system would end the process. Ends in the thread in which it began.
class file_size_errors {
 public:
  file_size_errors();
  file_size_errors(file_size_errors&& other) noexcept
      : is_active_(std::exchange(other.is_active_, false)), was_blocked_(other.was_blocked_) {}
  file_size_errors& operator=(file_size_errors&&) = delete;
  ~file_size_errors();

 private:
  bool is_active_ = true;
  bool was_blocked_ = false;
};

}  // namespace tyto

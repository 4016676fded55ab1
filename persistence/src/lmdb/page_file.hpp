// LMDB's data file, read page by page with pread: whatever it holds, reading it so cannot end the process, as touching
// a memory map of it can.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "lmdb/lmdb.hpp"
#include "lmdb/page_format.hpp"
#include "tyto/result.hpp"

namespace tyto::lmdb {

class page_file {
 public:
  static result<page_file> open(const std::filesystem::path& path);

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// Returns its length, now.
  [[nodiscard]] result<std::uint64_t> size_bytes() const;
  /// Fills `bytes` with what lies at `offset`. Returns how many bytes there were.
  result<std::size_t> read(std::uint64_t offset, std::string& bytes) const;

  [[nodiscard]] file_id id() const { return id_; }

 private:
  page_file(std::filesystem::path path, descriptor file, file_id id)
      : path_(std::move(path)), file_(std::move(file)), id_(id) {}

  std::filesystem::path path_;
  descriptor file_;
  file_id id_;
};

/// Returns the meta page of the last transaction. Fails with errc::damaged if the two meta pages are not what two
/// transactions in a row leave: in their form, in the numbers of the transactions, in where the trees begin. LMDB
/// itself takes the larger number, whatever it says. Reads no more than a path through the list of free pages, whose
/// last entry is that of the last transaction: so a meta page with a wrong number does not pass for a newer one. Only
/// if the file is shorter than its last page the whole list is read, see check_length().
///
/// Another process may be writing meanwhile.
result<format::meta_page> read_last_meta(const page_file& file);

/// Returns the meta page of `transaction`, which a reader holds; likewise. Fails with errc::overloaded if two others
/// have been committed since, and the page is gone.
result<format::meta_page> read_meta_of(const page_file& file, std::uint64_t transaction);

}  // namespace tyto::lmdb

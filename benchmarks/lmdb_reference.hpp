// What a careful engineer writes by hand on LMDB: the yardstick of the workloads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "measurement.hpp"

namespace bench {

/// A journal of records as large as ours: an events table by position, and an index entry for each event under stream
/// and sequence number.
class lmdb_journal {
 public:
  lmdb_journal(const settings& how, std::uint64_t streams);
  ~lmdb_journal();
  lmdb_journal(const lmdb_journal&) = delete;
  lmdb_journal& operator=(const lmdb_journal&) = delete;

  /// Stores `batch` events of random streams in one transaction.
  void append(std::size_t batch);

  /// Appends `batch` events a transaction for so many seconds.
  void run(double seconds, std::size_t batch);

  /// Events/s of all runs so far.
  [[nodiscard]] double per_second() const { return static_cast<double>(events_) / took_s_; }

 private:
  class tables;
  std::unique_ptr<tables> tables_;
  std::uint64_t events_ = 0;
  double took_s_ = 0;
};

/// Rows under strings, of a count and a sum each, as a read model of ours has them.
class lmdb_rows {
 public:
  lmdb_rows();
  ~lmdb_rows();
  lmdb_rows(const lmdb_rows&) = delete;
  lmdb_rows& operator=(const lmdb_rows&) = delete;

  /// Walks over the journal in `directory`, computes each record's checksum, and adds each to the row that `pick`
  /// names; `batch` records a transaction. Returns records/s.
  double rebuild(const std::filesystem::path& directory, std::size_t batch, const std::function<std::uint64_t()>& pick);

  /// Gives the rows 0 to `count` - 1 something to count.
  void fill(std::uint64_t count);

  /// Reads a row in a read transaction of its own; returns its count. Safe to call from any thread.
  [[nodiscard]] std::uint64_t get(const std::string& key) const;

 private:
  class tables;
  std::unique_ptr<tables> tables_;
};

/// Records/s of a cursor that walks over the journal in `directory` and computes each record's checksum.
double lmdb_scan_per_second(const std::filesystem::path& directory);

}  // namespace bench

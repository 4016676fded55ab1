// What a careful engineer writes by hand on LMDB: the yardstick of the workloads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>

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

 private:
  class tables;
  std::unique_ptr<tables> tables_;
};

/// Events/s of a loop that appends `batch` events a transaction, over `streams` streams.
double lmdb_events_per_second(const settings& how, std::uint64_t streams, std::size_t batch);

/// Records/s of a cursor that walks over the journal in `directory` and computes each record's checksum.
double lmdb_scan_per_second(const std::filesystem::path& directory);

}  // namespace bench

// An event journal on RocksDB, as a careful user of it writes one.
#pragma once

#include <cstdint>
#include <memory>

namespace bench {

/// Records as large as ours by position, and an index entry for each under stream and sequence number.
class rocksdb_journal {
 public:
  explicit rocksdb_journal(std::uint64_t streams);
  ~rocksdb_journal();
  rocksdb_journal(const rocksdb_journal&) = delete;
  rocksdb_journal& operator=(const rocksdb_journal&) = delete;

  /// Runs 256 threads for so many seconds. Each writes one event after the other to random streams, synced; RocksDB
  /// gathers the writes of all threads into groups and syncs each group once.
  void run(double seconds);

  /// Acknowledged events/s of all runs so far.
  [[nodiscard]] double per_second() const;

 private:
  class tables;
  std::unique_ptr<tables> tables_;
  double took_s_ = 0;
};

}  // namespace bench

// An event journal on SQLite, as a careful user of it writes one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace bench {

/// Records as large as ours by position, and a unique index by stream and sequence number.
class sqlite_journal {
 public:
  explicit sqlite_journal(std::uint64_t streams);
  ~sqlite_journal();
  sqlite_journal(const sqlite_journal&) = delete;
  sqlite_journal& operator=(const sqlite_journal&) = delete;

  /// Stores events of random streams for so many seconds, `batch` a synced transaction.
  void run(double seconds, std::size_t batch);

  /// Events/s of all runs so far.
  [[nodiscard]] double per_second() const { return static_cast<double>(events_) / took_s_; }

 private:
  class database;
  std::unique_ptr<database> database_;
  std::uint64_t events_ = 0;
  double took_s_ = 0;
};

}  // namespace bench

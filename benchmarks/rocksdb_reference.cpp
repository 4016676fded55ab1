#include "rocksdb_reference.hpp"

#include <rocksdb/db.h>
#include <rocksdb/options.h>
#include <rocksdb/write_batch.h>

#include <atomic>
#include <bit>
#include <chrono>
#include <functional>
#include <future>
#include <latch>
#include <memory>
#include <mutex>
#include <queue>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "note.hpp"
#include "scratch.hpp"

namespace bench {
namespace {

using seconds = std::chrono::duration<double>;
using steady = std::chrono::steady_clock;

constexpr std::uint64_t writer_threads = 256;

void check(const rocksdb::Status& status) {
  if (!status.ok()) throw std::runtime_error(status.ToString());
}

rocksdb::Options tuned() {
  rocksdb::Options options;
  options.create_if_missing = true;
  // One thread puts the whole group into the memtable. To wake all of its threads for one insert each costs more than
  // it saves, where cores are few; so does enable_pipelined_write, which wakes each of them once more.
  options.allow_concurrent_memtable_write = false;
  // Large enough that no writer waits for a flush.
  options.write_buffer_size = 256 << 20;
  options.max_write_buffer_number = 4;
  options.IncreaseParallelism(2);
  // Ours are not compressed either.
  options.compression = rocksdb::kNoCompression;
  return options;
}

std::string big_endian(std::uint64_t number) {
  number = __builtin_bswap64(number);
  return {reinterpret_cast<const char*>(&number), sizeof number};
}

// Hands out positions and acknowledges them in their order: threads that write at the same time are not stored in the
// order in which they asked, and a reader that has seen a position must have seen all before it. Nobody waits here;
// a position is acknowledged by whoever completes the gap before it.
class total_order {
 public:
  std::uint64_t next() { return ++last_; }

  void stored(std::uint64_t position) {
    const std::lock_guard lock{mutex_};
    early_.push(position);
    for (; !early_.empty() && early_.top() == acknowledged_ + 1; early_.pop()) ++acknowledged_;
  }

  std::uint64_t acknowledged() {
    const std::lock_guard lock{mutex_};
    return acknowledged_;
  }

 private:
  std::atomic<std::uint64_t> last_ = 0;
  std::mutex mutex_;
  std::priority_queue<std::uint64_t, std::vector<std::uint64_t>, std::greater<>> early_;
  std::uint64_t acknowledged_ = 0;
};

}  // namespace

class rocksdb_journal::tables {
 public:
  explicit tables(std::uint64_t streams) : versions_(streams) {
    const auto options = tuned();
    std::vector<rocksdb::ColumnFamilyDescriptor> families{{rocksdb::kDefaultColumnFamilyName, options},
                                                          {"streams", options}};
    auto opening = options;
    opening.create_missing_column_families = true;
    rocksdb::DB* opened = nullptr;
    check(rocksdb::DB::Open(opening, (where_.path() / "rocksdb").string(), families, &tables_, &opened));
    db_.reset(opened);
  }
  ~tables() {
    for (auto* table : tables_) db_->DestroyColumnFamilyHandle(table);
  }
  tables(const tables&) = delete;
  tables& operator=(const tables&) = delete;

  // Writes to the streams that are this thread's own, until `end`, and one event at least.
  void write_until(steady::time_point end, std::uint64_t thread) {
    std::mt19937_64 random{thread};
    const auto own = (versions_.size() - thread + writer_threads - 1) / writer_threads;
    do {
      append(thread + random() % own * writer_threads);
    } while (steady::now() < end);
  }

  std::uint64_t events() { return order_.acknowledged(); }

 private:
  // Position to record, and stream with sequence number to position, atomically.
  void append(std::uint64_t stream) {
    static const std::string record(record_bytes, 'r');
    const auto position = order_.next();
    rocksdb::WriteBatch batch;
    check(batch.Put(tables_[0], big_endian(position), record));
    check(batch.Put(tables_[1], "note|" + std::to_string(stream) + '\0' + big_endian(++versions_[stream]),
                    big_endian(position)));
    rocksdb::WriteOptions synced;
    synced.sync = true;
    check(db_->Write(synced, &batch));
    order_.stored(position);
  }

  scratch where_;
  total_order order_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> tables_;
  std::vector<std::uint64_t> versions_;  // by stream
};

rocksdb_journal::rocksdb_journal(std::uint64_t streams) : tables_(std::make_unique<tables>(streams)) {}

rocksdb_journal::~rocksdb_journal() = default;

void rocksdb_journal::run(double seconds_to_run) {
  std::vector<std::jthread> writers;
  std::latch all_started{writer_threads};
  std::promise<steady::time_point> end;
  const auto when = end.get_future().share();
  for (std::uint64_t i = 0; i < writer_threads; ++i) {
    writers.emplace_back([&, when, i] {
      all_started.count_down();
      tables_->write_until(when.get(), i);
    });
  }
  all_started.wait();
  const auto start = steady::now();
  end.set_value(start + std::chrono::duration_cast<steady::duration>(seconds(seconds_to_run)));
  writers.clear();  // joins
  took_s_ += seconds(steady::now() - start).count();
}

double rocksdb_journal::per_second() const { return static_cast<double>(tables_->events()) / took_s_; }

}  // namespace bench

#include "lmdb_reference.hpp"

#include <lmdb.h>
#include <xxhash.h>

#include <bit>
#include <chrono>
#include <cstring>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "note.hpp"
#include "scratch.hpp"

namespace bench {
namespace {

using seconds = std::chrono::duration<double>;
using steady = std::chrono::steady_clock;

void check(int code) {
  if (code != 0) throw std::runtime_error(mdb_strerror(code));
}

class environment {
 public:
  environment(const std::filesystem::path& directory, unsigned flags) {
    check(mdb_env_create(&handle_));
    check(mdb_env_set_mapsize(handle_, std::size_t{1} << 40));
    check(mdb_env_set_maxdbs(handle_, 8));
    check(mdb_env_open(handle_, directory.c_str(), flags, 0644));
  }
  ~environment() { mdb_env_close(handle_); }
  environment(const environment&) = delete;
  environment& operator=(const environment&) = delete;
  operator MDB_env*() const { return handle_; }

 private:
  MDB_env* handle_ = nullptr;
};

unsigned flags_of(const settings& how) { return how.durability == tyto::durability::synced ? 0 : MDB_NOMETASYNC; }

}  // namespace

class lmdb_journal::tables {
 public:
  tables(const settings& how, std::uint64_t streams) : env_(where_.path(), flags_of(how)), versions_(streams) {
    MDB_txn* txn = nullptr;
    check(mdb_txn_begin(env_, nullptr, 0, &txn));
    check(mdb_dbi_open(txn, "events", MDB_CREATE | MDB_INTEGERKEY, &events_));
    check(mdb_dbi_open(txn, "streams", MDB_CREATE, &index_));
    check(mdb_txn_commit(txn));
  }

  void append(std::size_t batch) {
    MDB_txn* txn = nullptr;
    check(mdb_txn_begin(env_, nullptr, 0, &txn));
    for (std::size_t i = 0; i < batch; ++i) append_one(txn);
    check(mdb_txn_commit(txn));
  }

 private:
  void append_one(MDB_txn* txn) {
    const auto stream = random_() % versions_.size();
    ++position_;
    MDB_val key{sizeof position_, &position_};
    MDB_val value{record_bytes, nullptr};
    check(mdb_put(txn, events_, &key, &value, MDB_APPEND | MDB_RESERVE));
    std::memset(value.mv_data, static_cast<int>(position_ & 0x7f), record_bytes);

    auto name = "note|" + std::to_string(stream) + '\0';
    const auto number = __builtin_bswap64(++versions_[stream]);
    name.append(reinterpret_cast<const char*>(&number), sizeof number);
    MDB_val entry{name.size(), name.data()};
    MDB_val at{sizeof position_, &position_};
    check(mdb_put(txn, index_, &entry, &at, 0));
  }

  scratch where_;
  environment env_;
  MDB_dbi events_ = 0;
  MDB_dbi index_ = 0;
  std::uint64_t position_ = 0;
  std::vector<std::uint64_t> versions_;
  std::mt19937_64 random_{7};
};

lmdb_journal::lmdb_journal(const settings& how, std::uint64_t streams)
    : tables_(std::make_unique<tables>(how, streams)) {}

lmdb_journal::~lmdb_journal() = default;

void lmdb_journal::append(std::size_t batch) { tables_->append(batch); }

void lmdb_journal::run(double seconds_to_run, std::size_t batch) {
  const auto start = steady::now();
  for (; seconds(steady::now() - start).count() < seconds_to_run; events_ += batch) append(batch);
  took_s_ += seconds(steady::now() - start).count();
}

namespace {

// Visits the records of a journal of ours, and computes their checksums.
class record_walk {
 public:
  explicit record_walk(const std::filesystem::path& directory) : env_(directory, MDB_RDONLY) {
    check(mdb_txn_begin(env_, nullptr, MDB_RDONLY, &txn_));
    MDB_dbi events = 0;
    check(mdb_dbi_open(txn_, "events", MDB_INTEGERKEY, &events));
    check(mdb_cursor_open(txn_, events, &cursor_));
  }
  ~record_walk() {
    mdb_cursor_close(cursor_);
    mdb_txn_abort(txn_);
  }
  record_walk(const record_walk&) = delete;
  record_walk& operator=(const record_walk&) = delete;

  bool next() {
    MDB_val key;
    MDB_val value;
    if (mdb_cursor_get(cursor_, &key, &value, MDB_NEXT) != 0) return false;
    const auto* bytes = static_cast<const char*>(value.mv_data);
    sum_ += XXH3_64bits_withSeed(bytes + 8, value.mv_size - 8, ++records_);
    return true;
  }

  // Returns how many there were.
  [[nodiscard]] std::uint64_t records() const {
    if (sum_ == 1) throw std::runtime_error("the sum of checksums is there to be computed, not to be one");
    return records_;
  }

 private:
  const environment env_;
  MDB_txn* txn_ = nullptr;
  MDB_cursor* cursor_ = nullptr;
  std::uint64_t records_ = 0;
  std::uint64_t sum_ = 0;
};

}  // namespace

double lmdb_scan_per_second(const std::filesystem::path& directory) {
  record_walk records{directory};
  const auto start = steady::now();
  while (records.next()) continue;
  const auto took = seconds(steady::now() - start).count();
  return static_cast<double>(records.records()) / took;
}

class lmdb_rows::tables {
 public:
  // As our read models are synced.
  tables() : env_(where_.path(), MDB_NOMETASYNC) {
    auto* txn = begin(0);
    check(mdb_dbi_open(txn, "rows", MDB_CREATE, &rows_));
    check(mdb_txn_commit(txn));
  }

  double rebuild(const std::filesystem::path& directory, std::size_t batch,
                 const std::function<std::uint64_t()>& pick) {
    record_walk records{directory};
    const auto start = steady::now();
    for (bool more = true; more;) {
      auto* txn = begin(0);
      for (std::size_t i = 0; i < batch && (more = records.next()); ++i) count_one(txn, std::to_string(pick()));
      check(mdb_txn_commit(txn));
    }
    return static_cast<double>(records.records()) / seconds(steady::now() - start).count();
  }

  void fill(std::uint64_t count) {
    auto* txn = begin(0);
    for (std::uint64_t i = 0; i < count; ++i) count_one(txn, std::to_string(i));
    check(mdb_txn_commit(txn));
  }

  [[nodiscard]] std::uint64_t get(std::string key) const {
    auto* txn = begin(MDB_RDONLY);
    const auto found = get(txn, key);
    mdb_txn_abort(txn);
    return found.events;
  }

 private:
  struct row {
    std::uint64_t events = 0;
    std::int64_t sum = 0;
  };

  [[nodiscard]] MDB_txn* begin(unsigned flags) const {
    MDB_txn* txn = nullptr;
    check(mdb_txn_begin(env_, nullptr, flags, &txn));
    return txn;
  }

  row get(MDB_txn* txn, std::string& key) const {
    MDB_val name{key.size(), key.data()};
    MDB_val value;
    row found;
    if (mdb_get(txn, rows_, &name, &value) == 0) std::memcpy(&found, value.mv_data, sizeof found);
    return found;
  }

  void count_one(MDB_txn* txn, std::string key) {
    auto changed = get(txn, key);
    ++changed.events;
    ++changed.sum;
    MDB_val name{key.size(), key.data()};
    MDB_val value{sizeof changed, &changed};
    check(mdb_put(txn, rows_, &name, &value, 0));
  }

  scratch where_;
  environment env_;
  MDB_dbi rows_ = 0;
};

lmdb_rows::lmdb_rows() : tables_(std::make_unique<tables>()) {}

lmdb_rows::~lmdb_rows() = default;

double lmdb_rows::rebuild(const std::filesystem::path& directory, std::size_t batch,
                          const std::function<std::uint64_t()>& pick) {
  return tables_->rebuild(directory, batch, pick);
}

void lmdb_rows::fill(std::uint64_t count) { tables_->fill(count); }

std::uint64_t lmdb_rows::get(const std::string& key) const { return tables_->get(key); }

}  // namespace bench

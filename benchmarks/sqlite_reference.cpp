#include "sqlite_reference.hpp"

#include <sqlite3.h>

#include <chrono>
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

// WAL with synchronous=FULL syncs the log at each commit: committed is durable. Inserts into the index touch pages all
// over it, so a cache that holds them all, and 64 MB of log before it is copied into the database, save most writing.
// Larger or smaller pages made no difference that could be measured.
constexpr const char* setup = R"(
  PRAGMA page_size = 8192;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA wal_autocheckpoint = 8000;
  PRAGMA cache_size = -262144;
  CREATE TABLE events (position INTEGER PRIMARY KEY, stream TEXT NOT NULL, sequence INTEGER NOT NULL,
                       record BLOB NOT NULL);
  CREATE UNIQUE INDEX events_by_stream ON events (stream, sequence);
)";

}  // namespace

class sqlite_journal::database {
 public:
  explicit database(std::uint64_t streams) : versions_(streams) {
    check(sqlite3_open_v2((where_.path() / "events.sqlite").c_str(), &db_,
                          SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr));
    check(sqlite3_exec(db_, setup, nullptr, nullptr, nullptr));
    begin_ = prepare("BEGIN IMMEDIATE");
    insert_ = prepare("INSERT INTO events VALUES (?, ?, ?, ?)");
    commit_ = prepare("COMMIT");
  }
  ~database() {
    for (auto* each : {begin_, insert_, commit_}) sqlite3_finalize(each);
    sqlite3_close(db_);
  }
  database(const database&) = delete;
  database& operator=(const database&) = delete;

  void append(std::size_t batch) {
    run(begin_);
    for (std::size_t i = 0; i < batch; ++i) append_one();
    run(commit_);
  }

 private:
  void append_one() {
    static const std::string record(record_bytes, 'r');
    const auto stream = random_() % versions_.size();
    const auto name = "note|" + std::to_string(stream);
    check(sqlite3_bind_int64(insert_, 1, ++position_));
    check(sqlite3_bind_text(insert_, 2, name.data(), static_cast<int>(name.size()), SQLITE_STATIC));
    check(sqlite3_bind_int64(insert_, 3, ++versions_[stream]));
    // The stream's name and the sequence number have columns of their own.
    const auto rest = record.size() - name.size() - sizeof(std::int64_t);
    check(sqlite3_bind_blob(insert_, 4, record.data(), static_cast<int>(rest), SQLITE_STATIC));
    run(insert_);
  }

  sqlite3_stmt* prepare(const char* sql) {
    sqlite3_stmt* made = nullptr;
    check(sqlite3_prepare_v3(db_, sql, -1, SQLITE_PREPARE_PERSISTENT, &made, nullptr));
    return made;
  }
  void run(sqlite3_stmt* statement) {
    if (sqlite3_step(statement) != SQLITE_DONE) throw std::runtime_error(sqlite3_errmsg(db_));
    check(sqlite3_reset(statement));
  }
  void check(int code) const {
    if (code != SQLITE_OK) throw std::runtime_error(sqlite3_errmsg(db_));
  }

  scratch where_;
  sqlite3* db_ = nullptr;
  sqlite3_stmt* begin_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
  sqlite3_stmt* commit_ = nullptr;
  std::int64_t position_ = 0;
  std::vector<std::int64_t> versions_;
  std::mt19937_64 random_{7};
};

sqlite_journal::sqlite_journal(std::uint64_t streams) : database_(std::make_unique<database>(streams)) {}

sqlite_journal::~sqlite_journal() = default;

void sqlite_journal::run(double seconds_to_run, std::size_t batch) {
  const auto start = steady::now();
  for (; seconds(steady::now() - start).count() < seconds_to_run; events_ += batch) database_->append(batch);
  took_s_ += seconds(steady::now() - start).count();
}

}  // namespace bench

// What the tests of SQL over a journal share: a connection, rows as text, and a journal that counts what is read of it.
#pragma once

#include <sqlite3.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tyto/memory_store.hpp>
#include <utility>
#include <vector>

#include "sql_tables.hpp"
#include "testing/journal_content.hpp"

namespace tyto::test {

using testing::change_of;
using testing::event_of;
using testing::write_of;

/// A journal that hands on everything, and counts which events are read.
class counting_journal final : public event_store {
 public:
  explicit counting_journal(std::shared_ptr<event_store> below) : below_(std::move(below)) {}

  void append(append_batch batch, append_done done) override { below_->append(std::move(batch), std::move(done)); }
  result<stream_info> read_stream(std::string_view id, std::uint64_t from, const event_visitor& v) const override {
    ++stream_reads;
    return below_->read_stream(id, from, counting(v));
  }
  result<std::uint64_t> read_all(const journal_range& range, const event_visitor& v) const override {
    ++reads;
    auto passed = below_->read_all(range, counting(v));
    if (passed && *passed >= range.from) events_passed += *passed - range.from + 1;
    return passed;
  }
  result<stream_info> info(std::string_view id) const override { return below_->info(id); }
  result<std::uint64_t> head() const override { return below_->head(); }
  result<std::uint64_t> load_checkpoint(std::string_view name) const override { return below_->load_checkpoint(name); }
  result<std::vector<checkpoint>> checkpoints() const override { return below_->checkpoints(); }
  result<std::uint64_t> size_bytes() const override { return below_->size_bytes(); }

  mutable std::uint64_t reads = 0;          // of the whole journal
  mutable std::uint64_t stream_reads = 0;   // of one stream
  mutable std::uint64_t events_passed = 0;  // in reads of the whole journal, wanted or not
  mutable std::uint64_t events_seen = 0;    // that were decoded
  mutable std::uint64_t most_at_once = 0;   // of these, in one read

  void forget() const { reads = stream_reads = events_passed = events_seen = most_at_once = 0; }

 private:
  event_visitor counting(const event_visitor& v) const {
    return [this, &v, at_once = std::uint64_t{0}](const event_view& event) mutable {
      ++events_seen;
      most_at_once = std::max(most_at_once, ++at_once);
      return v(event);
    };
  }

  std::shared_ptr<event_store> below_;
};

/// A connection of SQLite.
class connection {
 public:
  connection() {
    if (sqlite3_open(":memory:", &db_) != SQLITE_OK) throw std::runtime_error("cannot open a connection");
  }
  explicit connection(const storage& opened) : connection() { sql::add_tables(db_, opened).value(); }
  ~connection() { sqlite3_close(db_); }
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  [[nodiscard]] sqlite3* get() const { return db_; }

  /// Returns the rows as text, "a|b; c|d", and NULL as nothing; or the error: "! ...".
  std::string operator()(const std::string& sql) const {
    std::string text;
    const auto add = [](void* to, int columns, char** values, char**) {
      auto& all = *static_cast<std::string*>(to);
      if (!all.empty()) all += "; ";
      for (int i = 0; i < columns; ++i) {
        if (i > 0) all += '|';
        if (values[i] != nullptr) all += values[i];
      }
      return 0;
    };
    if (sqlite3_exec(db_, sql.c_str(), add, &text, nullptr) != SQLITE_OK)
      return std::string{"! "} + sqlite3_errmsg(db_);
    return text;
  }

  /// Returns how SQLite plans the statement: what it pushes down.
  std::string plan(const std::string& sql) const { return (*this)("EXPLAIN QUERY PLAN " + sql); }

 private:
  sqlite3* db_ = nullptr;
};

inline void append(event_store& journal, std::vector<std::shared_ptr<stream_write>> writes,
                   std::vector<checkpoint> checkpoints = {}) {
  const auto outcomes = append_and_wait(journal, {std::move(writes), std::move(checkpoints)}).value();
  for (const auto& each : outcomes) each.value();
}

/// Returns a write of one event.
inline std::shared_ptr<stream_write> write_of_type(std::string stream, std::string type, std::int64_t second = 0) {
  auto write = write_of(std::move(stream));
  write->events[0].meta.type = std::move(type);
  write->events[0].meta.time = timestamp{std::chrono::seconds{1'700'000'000 + second}};
  return write;
}

/// A storage in memory, and the count of what is read of its journal.
struct counted_storage {
  std::shared_ptr<counting_journal> journal;
  storage opened;

  counted_storage() : opened(open_memory()) {
    journal = std::make_shared<counting_journal>(opened.journal);
    opened.journal = journal;
  }
};

}  // namespace tyto::test

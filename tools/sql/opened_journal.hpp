// The storage that a connection's tables show, and up to where the statement that runs now sees its journal.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "sqlite_api.hpp"
#include "tyto/result.hpp"
#include "tyto/storage.hpp"

namespace tyto::sql {

/// Shared by the tables of one connection; used by one thread at a time.
class opened_journal {
 public:
  opened_journal(sqlite3* db, storage opened) : db_(db), opened_(std::move(opened)) {}

  [[nodiscard]] sqlite3* db() const { return db_; }
  [[nodiscard]] const event_store& journal() const { return *opened_.journal; }
  [[nodiscard]] const read_model_store* read_models() const { return opened_.read_models.get(); }

  /// Returns the position of the last event that the statement sees. As with SQLite's own tables, statements of a
  /// connection that overlap see the same: it stays what it was until no cursor is open.
  result<std::uint64_t> head();

  /// What a cursor holds while it is open.
  class reading {
   public:
    explicit reading(std::shared_ptr<opened_journal> what) : what_(std::move(what)) { ++what_->cursors_; }
    ~reading() {
      if (--what_->cursors_ == 0) what_->head_.reset();
    }
    reading(const reading&) = delete;
    reading& operator=(const reading&) = delete;
    opened_journal& operator*() const { return *what_; }
    opened_journal* operator->() const { return what_.get(); }

   private:
    std::shared_ptr<opened_journal> what_;
  };

 private:
  sqlite3* db_;
  storage opened_;
  std::uint64_t cursors_ = 0;
  std::optional<std::uint64_t> head_;
};

}  // namespace tyto::sql

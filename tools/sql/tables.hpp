// The tables: how SQLite is given each of them.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "opened_journal.hpp"
#include "virtual_table.hpp"

namespace tyto::sql {

// Each returns what makes the table of `what`.
table_maker events_table(std::shared_ptr<opened_journal> what);
table_maker streams_table(std::shared_ptr<opened_journal> what);
table_maker consumers_table(std::shared_ptr<opened_journal> what);
table_maker dead_letters_table(std::shared_ptr<opened_journal> what);
/// Its argument names the read model whose rows the table shows.
table_maker rows_table(std::shared_ptr<opened_journal> what);

/// Returns a maker of T, which is made from `what`.
template <class T>
table_maker maker_of(std::shared_ptr<opened_journal> what) {
  return [what = std::move(what)](const std::vector<std::string>&) -> result<std::unique_ptr<table>> {
    return std::unique_ptr<table>{std::make_unique<T>(what)};
  };
}

/// Shows MessagePack as JSON; returns false if it is none.
bool show_json(sqlite3_context* to, std::string_view bytes);

/// A cursor over rows that are all at hand once it has begun.
template <class Row>
class list_cursor : public cursor {
 public:
  explicit list_cursor(std::shared_ptr<opened_journal> what) : in_(std::move(what)) {}

  result<void> begin(const request& asked) override {
    rows_.clear();
    at_ = 0;
    return list(asked, rows_);
  }
  result<void> next() override { return ++at_, result<void>{}; }
  [[nodiscard]] bool at_end() const override { return at_ >= rows_.size(); }

 protected:
  /// Appends the rows that may be wanted.
  virtual result<void> list(const request& asked, std::vector<Row>& rows) = 0;
  [[nodiscard]] const Row& row() const { return rows_[at_]; }
  [[nodiscard]] opened_journal& opened() const { return *in_; }

 private:
  opened_journal::reading in_;
  std::vector<Row> rows_;
  std::size_t at_ = 0;
};

}  // namespace tyto::sql

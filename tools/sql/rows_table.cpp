// A table for each read model: its rows.
#include <array>
#include <optional>
#include <string>
#include <utility>

#include "key_shape.hpp"
#include "tables.hpp"
#include "tyto/table.hpp"

namespace tyto::sql {
namespace {

enum : int { key, value };

constexpr std::array<column, 2> all_columns{{{"key", ""}, {"value", "TEXT"}}};

// Rows are copied out of a snapshot that is given back at once. So many bytes of them come from one snapshot, so that
// most tables are seen as of one moment; a larger one is read in several pieces.
constexpr std::size_t max_piece_bytes = std::size_t{16} << 20;

struct stored_row {
  std::string key;
  std::string value;
};

std::string in_hex(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

class rows_cursor final : public cursor {
 public:
  rows_cursor(std::shared_ptr<opened_journal> what, std::string name) : in_(std::move(what)), name_(std::move(name)) {}

  result<void> begin(const request& asked) override {
    from_.clear();
    only_.reset();
    shows_values_ = asked.has(value);
    auto rows = in_->read_models()->snapshot(name_);
    if (!rows) return std::move(rows).error();
    if (auto known = look_at(**rows); !known) return known;
    auto* const given = asked.equal_to(key);
    if (given != nullptr && shape_) only_ = shape_->bytes_of(given);
    return only_ ? read_one(**rows) : read_piece(**rows);
  }

  result<void> next() override {
    if (++at_ < rows_.size() || !has_more_) return {};
    auto rows = in_->read_models()->snapshot(name_);
    return rows ? read_piece(**rows) : std::move(rows).error();
  }

  [[nodiscard]] bool at_end() const override { return at_ >= rows_.size(); }

  result<void> show(int column, sqlite3_context* to) const override {
    const auto& row = rows_[at_];
    if (column == key) {
      if (!shape_ || !shape_->show(to, row.key)) show_text(to, in_hex(row.key));
      return {};
    }
    if (show_json(to, row.value)) return {};
    return error{errc::undecodable, "showing the row with the key " + in_hex(row.key) + " of " + name_,
                 "its value is not MessagePack; without the column value it can be shown"};
  }

 private:
  // Finds out what the keys are.
  result<void> look_at(const row_reader& rows) {
    shape_ = key_shape::of_table(rows.shape());
    has_areas_ = has_indexes(rows.shape());
    if (!rows.shape().empty()) return {};
    auto counted = rows.get(detail::layout_key);
    if (!counted) return std::move(counted).error();
    has_areas_ = counted->has_value();
    return {};
  }

  result<void> read_one(const row_reader& rows) {
    start_piece();
    const auto stored = has_areas_ ? detail::rows_area + *only_ : *only_;
    auto found = rows.look_up(stored, [&](std::string_view bytes) { keep(stored, bytes); });
    return found ? result<void>{} : std::move(found).error();
  }

  result<void> read_piece(const row_reader& rows) {
    start_piece();
    std::size_t bytes = 0;
    const std::string from = from_.empty() && has_areas_ ? std::string(1, detail::rows_area) : from_;
    return rows.scan(from, [&](std::string_view stored, std::string_view content) {
      if (has_areas_ && stored.front() != detail::rows_area) return visit::stop;  // the indexes follow
      keep(stored, content);
      bytes += sizeof(stored_row) + stored.size() + content.size();
      if (bytes < max_piece_bytes) return visit::next;
      has_more_ = true;
      from_.assign(stored) += '\0';  // the least key after it
      return visit::stop;
    });
  }

  void start_piece() {
    rows_.clear();
    at_ = 0;
    has_more_ = false;
  }

  void keep(std::string_view stored, std::string_view content) {
    rows_.push_back(
        {std::string{has_areas_ ? stored.substr(1) : stored}, shows_values_ ? std::string{content} : std::string{}});
  }

  opened_journal::reading in_;
  std::string name_;
  std::optional<key_shape> shape_;
  bool has_areas_ = false;
  bool shows_values_ = false;
  std::optional<std::string> only_;  // the key that is asked for
  std::string from_;                 // where the next piece begins
  bool has_more_ = false;
  std::vector<stored_row> rows_;
  std::size_t at_ = 0;
};

class rows_of_model final : public table {
 public:
  rows_of_model(std::shared_ptr<opened_journal> what, std::string name)
      : what_(std::move(what)), name_(std::move(name)) {}

  [[nodiscard]] std::span<const column> columns() const override { return all_columns; }
  [[nodiscard]] const char* primary_key() const override { return "key"; }
  [[nodiscard]] bool takes(int column, comparison how) const override {
    return column == key && how == comparison::equal;
  }
  [[nodiscard]] estimate expect(std::span<const constraint> taken) const override {
    return taken.empty() ? estimate{1e5, 1e5} : estimate{1, 5};
  }
  [[nodiscard]] std::unique_ptr<cursor> open() const override { return std::make_unique<rows_cursor>(what_, name_); }

 private:
  std::shared_ptr<opened_journal> what_;
  std::string name_;
};

}  // namespace

table_maker rows_table(std::shared_ptr<opened_journal> what) {
  return [what = std::move(what)](const std::vector<std::string>& arguments) -> result<std::unique_ptr<table>> {
    if (arguments.size() != 1 || what->read_models() == nullptr) {
      return error{errc::invalid_argument, "making a table of a read model's rows", "name the read model, and no more"};
    }
    return std::unique_ptr<table>{std::make_unique<rows_of_model>(what, arguments.front())};
  };
}

}  // namespace tyto::sql

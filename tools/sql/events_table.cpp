// The table `events`: the journal, an event a row.
#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "event_bounds.hpp"
#include "event_pages.hpp"
#include "tables.hpp"
#include "tyto/codec.hpp"
#include "tyto/detail/utc.hpp"

namespace tyto::sql {
namespace {

enum : int {
  position,
  time,
  stream,
  category,
  id,
  sequence,
  type,
  schema_version,
  correlation,
  causation,
  command,
  tags,
  payload,
  time_us,
};

constexpr std::array<column, 14> all_columns{{{"position", "INTEGER"},
                                              {"time", "TEXT"},
                                              {"stream", "TEXT"},
                                              {"category", "TEXT"},
                                              {"id", "TEXT"},
                                              {"sequence", "INTEGER"},
                                              {"type", "TEXT"},
                                              {"schema_version", "INTEGER"},
                                              {"correlation", "TEXT"},
                                              {"causation", "TEXT"},
                                              {"command", "TEXT"},
                                              {"tags", "TEXT"},
                                              {"payload", "TEXT"},
                                              {"time_us", "INTEGER HIDDEN"}}};

// A clock may jump, so times are not in the order of positions, and no part of the journal can be left out for its
// times. What they save is the copying of other events.
event_bounds bounds_of(const request& asked) {
  event_bounds bounds;
  for (const auto& each : asked.constraints) {
    if (each.column == position) bounds.narrow_position(each);
    if (each.column == time) bounds.narrow_time(each);
    if (each.column == time_us) bounds.narrow_time_us(each);
    if (each.column == stream) bounds.narrow_stream(each);
    if (each.column == type) bounds.narrow_types(each);
    if (each.column == category) bounds.narrow_categories(each);
  }
  return bounds;
}

class events_cursor final : public cursor {
 public:
  explicit events_cursor(std::shared_ptr<opened_journal> what) : in_(std::move(what)), pages_(in_->journal()) {}

  result<void> begin(const request& asked) override {
    auto head = in_->head();
    if (!head) return std::move(head).error();
    auto bounds = bounds_of(asked);
    bounds.last = std::min(bounds.last, *head);
    const event_parts parts{asked.has(correlation), asked.has(causation), asked.has(command), asked.has(tags),
                            asked.has(payload)};
    auto begun = pages_.begin(std::move(bounds), parts, asked.is_descending);
    return begun ? turn_page() : begun;
  }

  result<void> next() override { return ++at_ < pages_.size() ? result<void>{} : turn_page(); }
  [[nodiscard]] bool at_end() const override { return at_ >= pages_.size(); }
  [[nodiscard]] std::int64_t rowid() const override { return static_cast<std::int64_t>(row().position); }

  result<void> show(int column, sqlite3_context* to) const override {
    const auto& e = row();
    switch (column) {
      case position:
        show_number(to, e.position);
        break;
      case time:
        show_text(to, detail::to_utc(e.time));
        break;
      case stream:
        show_text(to, e.stream);
        break;
      case category:
        show_text(to, category_of(e.stream));
        break;
      case id:
        show_text(to, entity_id_of(e.stream));
        break;
      case sequence:
        show_number(to, e.sequence_number);
        break;
      case type:
        show_text(to, e.type);
        break;
      case schema_version:
        show_number(to, e.schema_version);
        break;
      case correlation:
        show_known(to, e.correlation_id);
        break;
      case causation:
        show_known(to, e.causation_id);
        break;
      case command:
        show_known(to, e.command_id);
        break;
      case tags:
        show_json(to, to_bytes(e.tags));
        break;
      case payload:
        return show_payload(to);
      default:
        sqlite3_result_int64(to, e.time.time_since_epoch().count());
    }
    return {};
  }

 private:
  [[nodiscard]] const event_row& row() const { return pages_.row(at_); }

  result<void> show_payload(sqlite3_context* to) const {
    if (show_json(to, row().payload)) return {};
    return error{errc::undecodable,
                 "showing the event at position " + std::to_string(row().position) + " (" + row().stream + ", " +
                     row().type + ")",
                 "its payload is not MessagePack; without the column payload it can be shown"};
  }

  // Reads on until there is a row.
  result<void> turn_page() {
    for (at_ = 0; !pages_.at_end();) {
      auto done = pages_.next();
      if (!done || pages_.size() > 0) return done;
      done = check_interrupt(in_->db());
      if (!done) return done;
    }
    at_ = pages_.size();
    return {};
  }

  opened_journal::reading in_;
  event_pages pages_;
  std::size_t at_ = 0;
};

class events final : public table {
 public:
  explicit events(std::shared_ptr<opened_journal> what) : what_(std::move(what)) {}

  [[nodiscard]] std::span<const column> columns() const override { return all_columns; }
  [[nodiscard]] const char* primary_key() const override { return ""; }

  [[nodiscard]] bool takes(int column, comparison how) const override {
    if (column == stream) return how == comparison::equal;
    if (column == type || column == category) return how == comparison::equal || how == comparison::one_of;
    return (column == position || column == time || column == time_us) && how != comparison::one_of;
  }

  // Guesses: what counts is which table of a join is read once, and which again and again.
  [[nodiscard]] estimate expect(std::span<const constraint> taken) const override {
    auto head = what_->journal().head();
    const double all = head ? static_cast<double>(*head) + 1 : 1e6;
    estimate expected{all, all};
    for (const auto& each : taken) {
      const bool is_equal = each.how == comparison::equal;
      if (each.column == position && is_equal) return {1, 1};
      if (each.column == stream) expected = {std::min(expected.rows, 20.0), std::min(expected.cost, 30.0)};
      if (each.column == position) expected.rows /= 4, expected.cost /= 4;
      if (each.column != position && each.column != stream) expected.rows /= 4, expected.cost /= 1.5;
    }
    return expected;
  }

  [[nodiscard]] std::unique_ptr<cursor> open() const override { return std::make_unique<events_cursor>(what_); }

 private:
  std::shared_ptr<opened_journal> what_;
};

}  // namespace

table_maker events_table(std::shared_ptr<opened_journal> what) { return maker_of<events>(std::move(what)); }

}  // namespace tyto::sql

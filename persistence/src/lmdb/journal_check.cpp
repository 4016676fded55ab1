#include "lmdb/journal_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>

#include "lmdb/event_scan.hpp"
#include "lmdb/index_check.hpp"
#include "lmdb/retention_table.hpp"
#include "lmdb/run_catalog.hpp"
#include "lmdb/sealed_value.hpp"
#include "lmdb/store_meta.hpp"
#include "lmdb/stored_number.hpp"
#include "record.hpp"
#include "write_checks.hpp"

namespace tyto {
namespace {

constexpr auto restore = "restore the journal from a backup";
constexpr auto restore_event =
    "the events before and after it can be read; restore the journal from a backup, for who needs this one stops here";

// The ranges of events that compactions have left out, in their order.
class removed_ranges {
 public:
  removed_ranges(const lmdb::transaction& transaction, lmdb::table table) {
    if (table != 0) cursor_.emplace(transaction, table);
  }

  /// Goes to the next range. Returns LMDB's code.
  int next() {
    const int code = cursor_ ? cursor_->move(is_first_ ? MDB_FIRST : MDB_NEXT) : MDB_NOTFOUND;
    is_first_ = false;
    if (code != 0) return code;
    begin_ = number_in(cursor_->key());
    count_ = unsealed_number(cursor_->key(), cursor_->value(), "looking up which events were removed");
    return 0;
  }

  [[nodiscard]] std::uint64_t begin() const { return begin_; }
  [[nodiscard]] const result<std::uint64_t>& count() const { return count_; }

 private:
  std::optional<lmdb::cursor> cursor_;
  bool is_first_ = true;
  std::uint64_t begin_ = 0;
  result<std::uint64_t> count_ = std::uint64_t{0};
};

// Whether the events of decisions are there together. Where events have been removed, the rest of a decision may stay.
class decision_check {
 public:
  /// Returns whether `event` continues what was before it.
  bool add(const metadata& event) {
    const bool continues = is_open_ && event.position == position_ + 1;
    const bool fits = event.decision_index < event.decision_count &&
                      (continues ? event.decision_index == index_ + 1 && event.decision_count == count_ &&
                                       event.sequence_number == number_ + 1 && event.persistence_id == id_
                                 : event.decision_index == 0 || event.position != position_ + 1);
    position_ = event.position;
    number_ = event.sequence_number;
    index_ = event.decision_index;
    count_ = event.decision_count;
    id_ = event.persistence_id;
    is_open_ = index_ + 1 < count_;
    return fits;
  }
  /// Whatever was before: what comes next may be the rest of a decision.
  void interrupt() {
    is_open_ = false;
    position_ = 0;
  }
  /// Whether events are missing after the last one.
  [[nodiscard]] bool is_open() const { return is_open_; }
  [[nodiscard]] std::uint64_t position() const { return position_; }

 private:
  std::uint64_t position_ = 0;
  std::uint64_t number_ = 0;
  std::uint32_t index_ = 0;
  std::uint32_t count_ = 1;
  std::string id_;
  bool is_open_ = false;
};

class journal_check {
 public:
  journal_check(const lmdb::transaction& transaction, const journal_tables& tables, finding_list& found)
      : transaction_(transaction), tables_(tables), found_(found), removed_(transaction, tables.removed) {}

  result<std::uint64_t> run() {
    auto catalog = run_catalog::read(transaction_, tables_);
    const bool has_index = static_cast<bool>(catalog);
    if (!has_index && catalog.error().code() != errc::damaged) return std::move(catalog).error();
    if (!has_index) found_.add(catalog.error(), restore);
    if (has_index && !catalog->can_be_read_in(tables_)) {
      return error{errc::damaged, "verifying the index of streams",
                   "the tables of its runs are missing, or have just been made: try again"};
    }
    const auto folded_to = has_index ? catalog->folded_to() : 0;
    index_check index{transaction_, tables_, has_index ? *std::move(catalog) : run_catalog{}, found_};
    auto done = check_events(index);
    if (done && folded_to > head_) {
      found_.add("how far the index of streams goes",
                 fmt::format("it says {}, but the journal ends at {}", folded_to, head_), restore);
    }
    if (done && has_index) done = index.run(head_, has_removed_);
    if (done) done = check_retention();
    if (done) done = check_checkpoints();
    return done ? result<std::uint64_t>{head_} : std::move(done).error();
  }

 private:
  result<void> check_events(index_check& index) {
    lmdb::cursor events{transaction_, tables_.events};
    auto more_removed = next_removed();
    if (!more_removed) return std::move(more_removed).error();
    int code = events.move(MDB_FIRST);
    for (; code == 0; code = events.move(MDB_NEXT)) {
      const auto position = number_in(events.key());
      if (auto passed = pass_removed(position); !passed) return passed;
      check_event(position, events.value(), index);
      head_ = position;
    }
    if (code != MDB_NOTFOUND) return lmdb::to_error(code, record::reading(head_ + 1, {}));
    auto passed = pass_removed(std::nullopt);
    if (passed && decisions_.is_open()) report_decision(decisions_.position(), "the events after it are missing");
    return passed;
  }

  void check_event(std::uint64_t position, std::string_view bytes, index_check& index) {
    if (auto whole = record::read(position, bytes, meta_); !whole) {
      found_.add(whole.error(),
                 whole.error().code() == errc::newer_format ? "use a newer version of Tyto" : restore_event);
      index.add_damaged(position);
      decisions_.interrupt();
      return;
    }
    ++found_.report().events;
    index.add(meta_);
    if (!decisions_.add(meta_)) report_decision(position, "the one before it is not of the same decision");
  }

  void report_decision(std::uint64_t position, const std::string& what) {
    found_.add(record::reading(position, {}),
               fmt::format("event {} of {} in its decision: {}", meta_.decision_index + 1, meta_.decision_count, what),
               restore);
  }

  // Goes over the events that are not there before `position`, or up to the journal's end: all must have been removed.
  result<void> pass_removed(std::optional<std::uint64_t> position) {
    while (removed_begin_ && (!position || *removed_begin_ <= *position)) {
      decisions_.interrupt();
      has_removed_ = true;
      const auto& count = removed_.count();
      if (!count) {
        found_.add(count.error(), restore);
      } else if (*count == 0 || *removed_begin_ <= head_ || (touches_ && *removed_begin_ == head_ + 1) ||
                 *count > ~std::uint64_t{0} - *removed_begin_) {
        found_.add("which events were removed",
                   fmt::format("{} from position {} on do not fit the others", *count, *removed_begin_), restore);
      } else {
        report_gap(*removed_begin_);
        head_ = *removed_begin_ + *count - 1;
      }
      touches_ = true;
      if (auto next = next_removed(); !next) return next;
    }
    if (!position) return {};
    report_gap(*position);
    touches_ = false;
    return {};
  }

  // Something lies at `position`, and nothing between it and `head_`.
  void report_gap(std::uint64_t position) {
    if (position == head_ + 1) return;
    decisions_.interrupt();
    found_.add(record::reading(head_ + 1, {}),
               position <= head_ ? fmt::format("position {} was removed, but is there", position)
                                 : fmt::format("there are no events up to the one at position {}", position),
               restore);
  }

  result<void> next_removed() {
    removed_begin_.reset();
    const int code = removed_.next();
    if (code == 0) removed_begin_ = removed_.begin();
    return code == 0 || code == MDB_NOTFOUND ? result<void>{}
                                             : lmdb::to_error(code, "looking up which events were removed");
  }

  result<void> check_retention() {
    if (tables_.retention == 0) return {};
    const retention_rows kept{transaction_, tables_.retention};
    lmdb::cursor rows{transaction_, tables_.retention};
    int code = rows.move(MDB_FIRST);
    for (; code == 0; code = rows.move(MDB_NEXT)) {
      stream_info known;
      if (auto whole = kept.complete(rows.key(), known); !whole) {
        found_.add(whole.error(), "events that were removed would come back; restore the journal from a backup");
      } else if (known.first == 0 || known.first > known.version + 1) {
        found_.add(fmt::format("what is kept of the stream {}", rows.key()),
                   fmt::format("events are kept from {} on, but there are {}", known.first, known.version), restore);
      } else {
        ++found_.report().retained_streams;
      }
    }
    return code == MDB_NOTFOUND ? result<void>{} : lmdb::to_error(code, "reading what is kept of streams");
  }

  result<void> check_checkpoints() {
    lmdb::cursor rows{transaction_, tables_.checkpoints};
    int code = rows.move(MDB_FIRST);
    for (; code == 0; code = rows.move(MDB_NEXT)) {
      const auto where = fmt::format("the checkpoint of {}", rows.key());
      const auto position = unsealed_number(rows.key(), rows.value(), where);
      if (!position || !check_name(rows.key())) {
        found_.add(where, position ? "its name is none of a consumer's" : position.error().detail(), restore);
      } else if (is_position(rows.key()) && *position > head_) {
        found_.add(where, fmt::format("it is at position {}, but the journal ends at {}", *position, head_),
                   "restore the journal from a backup; this consumer cannot go on");
      } else {
        ++found_.report().checkpoints;
      }
    }
    return code == MDB_NOTFOUND ? result<void>{} : lmdb::to_error(code, "reading the checkpoints");
  }

  // A consumer in partitions keeps their number, and that of an earlier start, beside the partitions' positions.
  static bool is_position(std::string_view name) {
    constexpr std::string_view before = "#before";
    return name.back() != '#' && (name.size() < before.size() || name.substr(name.size() - before.size()) != before);
  }

  const lmdb::transaction& transaction_;
  const journal_tables& tables_;
  finding_list& found_;
  removed_ranges removed_;
  std::optional<std::uint64_t> removed_begin_;
  bool touches_ = false;  // the last thing was a removed range
  bool has_removed_ = false;
  decision_check decisions_;
  metadata meta_;
  std::uint64_t head_ = 0;
};

}  // namespace

result<std::uint64_t> check_journal(const lmdb::transaction& transaction, const journal_tables& tables,
                                    finding_list& found) {
  return journal_check{transaction, tables, found}.run();
}

}  // namespace tyto

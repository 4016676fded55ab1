#include "lmdb/event_scan.hpp"

#include <algorithm>
#include <string>

#include "lmdb/sealed_value.hpp"
#include "lmdb/stored_number.hpp"
#include "record.hpp"

namespace tyto {

error missing_event(std::uint64_t position, std::string_view why) {
  return {errc::damaged, record::reading(position, {}), std::string{why}};
}

event_scan::event_scan(const lmdb::transaction& transaction, const journal_tables& tables)
    : transaction_(transaction), removed_(tables.removed), cursor_(transaction, tables.events) {}

result<bool> event_scan::begin(std::uint64_t from) {
  position_ = from;
  return arrive(cursor_.seek(as_key(position_), MDB_SET_RANGE));
}

result<bool> event_scan::next() {
  ++position_;
  return arrive(cursor_.move(MDB_NEXT));
}

result<bool> event_scan::arrive(int code) {
  if (code != 0 && code != MDB_NOTFOUND) return lmdb::to_error(code, record::reading(position_, {}));
  if (code == 0 && number_in(cursor_.key()) == position_) return true;
  auto after = skip_removed();
  if (!after) return std::move(after).error();
  auto next = code == 0 ? result<std::uint64_t>{number_in(cursor_.key())} : removed_after(*after);
  if (!next) return std::move(next).error();
  if (*next != *after) return missing_event(*after, "the journal has a gap here");
  position_ = *after;
  return code == 0;
}

// Behind the last event: returns `position`, or where removed events begin of which it should be the end.
result<std::uint64_t> event_scan::removed_after(std::uint64_t position) const {
  if (removed_ == 0) return position;
  lmdb::cursor ranges{transaction_, removed_};
  const int code = ranges.move(MDB_LAST);
  if (code == MDB_NOTFOUND) return position;
  if (code != 0) return lmdb::to_error(code, "looking up which events were removed");
  return std::max(position, number_in(ranges.key()));
}

result<std::uint64_t> event_scan::skip_removed() const {
  if (removed_ == 0) return position_;
  lmdb::cursor ranges{transaction_, removed_};
  int code = ranges.seek(as_key(position_), MDB_SET_RANGE);
  if (code == MDB_NOTFOUND) {
    code = ranges.move(MDB_LAST);
  } else if (code == 0 && number_in(ranges.key()) > position_) {
    code = ranges.move(MDB_PREV);
  }
  if (code == MDB_NOTFOUND) return position_;
  if (code != 0) return lmdb::to_error(code, "looking up which events were removed");
  auto end = removed_end(ranges);
  return end ? result<std::uint64_t>{std::max(position_, *end)} : end;
}

result<std::uint64_t> removed_end(const lmdb::cursor& range) {
  auto count = unsealed_number(range.key(), range.value(), "looking up which events were removed");
  return count ? result<std::uint64_t>{number_in(range.key()) + *count} : count;
}

result<std::uint64_t> last_position(const lmdb::transaction& transaction, const journal_tables& tables) {
  const std::string doing = "looking for the journal's last event";
  std::uint64_t position = 0;
  lmdb::cursor events{transaction, tables.events};
  int code = events.move(MDB_LAST);
  if (code == 0) position = number_in(events.key());
  if (code != 0 && code != MDB_NOTFOUND) return lmdb::to_error(code, doing);
  if (tables.removed == 0) return position;
  lmdb::cursor removed{transaction, tables.removed};
  code = removed.move(MDB_LAST);
  if (code == MDB_NOTFOUND) return position;
  if (code != 0) return lmdb::to_error(code, doing);
  auto end = removed_end(removed);
  return end ? result<std::uint64_t>{std::max(position, *end - 1)} : end;
}

}  // namespace tyto

#include "lmdb/run_merge.hpp"

namespace tyto {

merged_entries::merged_entries(const lmdb::transaction& transaction, std::span<const lmdb::table> runs) {
  for (const auto table : runs) sources_.push_back(std::make_unique<source>(transaction, table));
}

bool merged_entries::is_whole(const lmdb::cursor& at) {
  return run_key::parse(at.key()) && packed_positions::unpack(at.key(), at.value());
}

// Passes over the head and the filter. An entry is looked at here and not when its turn comes: the turn of one whose
// key is damaged may never come.
int merged_entries::arrive(source& at, int code) {
  while (code == 0 && !run_key::is_entry(at.cursor.key())) code = at.cursor.move(MDB_NEXT);
  if (code == 0 && !is_whole(at.cursor)) return MDB_CORRUPTED;
  at.is_at_end = code == MDB_NOTFOUND;
  return at.is_at_end ? 0 : code;
}

// Moves to `key` as far as what stands before is known to be smaller: a damaged key may lead past entries.
int merged_entries::seek(source& at, std::string_view key) {
  int code = at.cursor.seek(key, MDB_SET_RANGE);
  if (code == 0) code = at.cursor.move(MDB_PREV);
  if (code == MDB_NOTFOUND) code = at.cursor.move(MDB_LAST);
  if (code == 0 && at.cursor.key() < key && run_key::is_entry(at.cursor.key()) && !is_whole(at.cursor)) {
    return MDB_CORRUPTED;
  }
  if (code != 0 && code != MDB_NOTFOUND) return code;
  return arrive(at, at.cursor.seek(key, MDB_SET_RANGE));
}

int merged_entries::choose() {
  first_ = nullptr;
  for (const auto& each : sources_) {
    if (each->is_at_end) continue;
    if (first_ == nullptr || each->cursor.key() < first_->cursor.key()) first_ = each.get();
  }
  if (first_ == nullptr) return MDB_NOTFOUND;
  const auto key = run_key::parse(first_->cursor.key());
  const auto unpacked = packed_positions::unpack(first_->cursor.key(), first_->cursor.value());
  if (!key || !unpacked) return MDB_CORRUPTED;
  key_ = *key;
  positions_ = *unpacked;
  return 0;
}

int merged_entries::seek(std::string_view key) {
  for (const auto& each : sources_) {
    const int code = key.empty() ? arrive(*each, each->cursor.move(MDB_FIRST)) : seek(*each, key);
    if (code != 0) return code;
  }
  return choose();
}

int merged_entries::next() {
  const int code = arrive(*first_, first_->cursor.move(MDB_NEXT));
  return code == 0 ? choose() : code;
}

bool joining_writer::joins(const run_key::parts& key, const packed_positions& positions) const {
  return positions_.count() > 0 && number_ + positions_.count() == key.number && name_ == key.name &&
         positions_.has_room(positions);
}

int joining_writer::add(const run_key::parts& key, const packed_positions& positions) {
  if (!joins(key, positions)) {
    if (const int code = flush(); code != 0) return code;
    name_ = key.name;
    hash_ = key.hash;
    number_ = key.number;
  }
  positions_.add(positions);
  return 0;
}

int joining_writer::flush() {
  if (positions_.count() == 0) return 0;
  const int code = into_.add(run_key{name_, hash_, number_}, hash_, positions_);
  positions_.clear();
  return code;
}

int merge_step(const lmdb::transaction& transaction, std::span<const lmdb::table> sources, run_writer& into,
               const merge_share& share, bool& is_done) {
  is_done = false;
  std::string_view last;
  std::string_view value;
  int code = into.last(last, value);
  if (code != 0) return code;
  std::string resume;
  if (!last.empty()) {
    const auto key = run_key::parse(last);
    const auto positions = packed_positions::unpack(last, value);
    if (!key || !positions) return 0;  // damaged
    resume = run_key{key->name, key->hash, key->number + positions->count}.bytes();
  }
  merged_entries entries{transaction, sources};
  joining_writer writer{into};
  std::uint64_t taken = 0;
  for (code = entries.seek(resume); code == 0; code = entries.next()) {
    const bool is_enough = taken >= share.entries || into.bytes() >= share.bytes;
    if (is_enough && !writer.joins(entries.key(), entries.positions())) break;
    if (const int added = writer.add(entries.key(), entries.positions()); added != 0) return added;
    ++taken;
  }
  is_done = code == MDB_NOTFOUND;
  if (code != 0 && code != MDB_NOTFOUND && code != MDB_CORRUPTED) return code;
  code = writer.flush();
  if (code == 0) code = is_done ? into.finish() : into.flush();
  return code;
}

}  // namespace tyto

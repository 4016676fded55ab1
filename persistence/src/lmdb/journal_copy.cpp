#include "lmdb/journal_copy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "lmdb/bulk_writer.hpp"
#include "lmdb/event_scan.hpp"
#include "lmdb/old_index.hpp"
#include "lmdb/retention_table.hpp"
#include "lmdb/run_catalog.hpp"
#include "lmdb/run_head.hpp"
#include "lmdb/run_merge.hpp"
#include "lmdb/run_writer.hpp"
#include "lmdb/sealed_value.hpp"
#include "lmdb/store_meta.hpp"
#include "lmdb/stored_number.hpp"
#include "lmdb/stream_key.hpp"
#include "record.hpp"

namespace tyto {
namespace {

constexpr std::size_t number_bytes = sizeof(std::uint64_t);

class journal_copy {
 public:
  journal_copy(const lmdb::transaction& from, const journal_tables& theirs, const journal_tables& ours,
               lmdb::environment& into)
      : from_(from), theirs_(theirs), ours_(ours), into_(into), writer_(into), kept_(from, theirs.retention) {}

  result<void> run() {
    for (const auto& step : {&journal_copy::copy_events, &journal_copy::copy_others, &journal_copy::copy_index}) {
      if (auto done = (this->*step)(); !done) return done;
    }
    return {};
  }

 private:
  result<void> copy_events() {
    event_scan events{from_, theirs_};
    metadata meta;
    std::uint64_t next = 1;
    auto more = events.begin(next);
    for (; more && *more; more = events.next()) {
      const auto position = events.position();
      if (auto whole = record::read(position, events.bytes(), meta); !whole) return std::move(whole).error();
      auto first = kept_.first_kept(meta.persistence_id);
      if (!first) return std::move(first).error();
      if (meta.sequence_number < *first) continue;
      auto written = leave_out(next, position);
      if (written) written = writer_.append(ours_.events, as_key(position), events.bytes());
      if (!written) return written;
      next = position + 1;
    }
    return more ? leave_out(next, events.position()) : std::move(more).error();
  }

  // Records that there are no events from `begin` on up to the one before `end`.
  result<void> leave_out(std::uint64_t begin, std::uint64_t end) {
    if (begin == end) return {};
    const auto count = end - begin;
    return writer_.append(ours_.removed, as_key(begin), sealed(as_key(begin), count));
  }

  // An index of format 1 stays one; the other runs become a single one.
  result<void> copy_index() {
    auto catalog = run_catalog::read(from_, theirs_);
    if (!catalog) return std::move(catalog).error();
    run_catalog copied;
    std::vector<index_run> sources;
    for (const auto& each : catalog->complete()) {
      if (!each.is_old_index()) {
        sources.push_back(each);
        continue;
      }
      if (auto done = copy_old_index(each.up_to); !done) return done;
      copied.add_old_index(each.up_to);
    }
    if (auto done = writer_.finish(); !done) return done;
    if (!sources.empty()) {
      if (auto done = copy_runs(sources, copied); !done) return done;
    }
    auto transaction = into_.begin_write();
    if (!transaction) return std::move(transaction).error();
    int code = copied.write(*transaction, ours_);
    if (code == 0) code = transaction->commit();
    return code == 0 ? result<void>{} : failed(code);
  }

  result<void> copy_old_index(std::uint64_t complete_to) {
    lmdb::cursor entries{from_, theirs_.streams};
    int code = entries.move(MDB_FIRST);
    for (; code == 0; code = entries.move(MDB_NEXT)) {
      if (auto copied = copy_old_entry(entries.key(), entries.value(), complete_to); !copied) return copied;
    }
    return code == MDB_NOTFOUND ? result<void>{} : failed(code);
  }

  result<void> copy_old_entry(std::string_view key, std::string_view value, std::uint64_t complete_to) {
    const auto positions = old_index_reader::positions_in(value);
    if (key.size() <= number_bytes + 1 || positions.empty()) return damaged_entry();
    if (positions.front() > complete_to) return {};  // written early
    const auto id = key.substr(0, key.size() - number_bytes - 1);
    const auto first = stream_key::number_in(key);
    auto kept = kept_.first_kept(id);
    if (!kept) return std::move(kept).error();
    const auto begin = std::max(first, *kept);
    if (begin - first >= positions.size()) return {};
    return writer_.append(ours_.streams, stream_key{id, begin}.bytes(), value.substr((begin - first) * number_bytes));
  }

  result<void> copy_runs(const std::vector<index_run>& sources, run_catalog& copied) {
    std::vector<lmdb::table> tables;
    std::uint64_t names = 0;
    for (const auto& each : sources) {
      tables.push_back(theirs_.runs[each.slot]);
      names += from_.size_of(tables.back()).entries;
    }
    const auto level = std::ranges::max(sources, {}, &index_run::level).level;
    const auto target =
        *copied.begin(level, sources.front().after, sources.back().up_to, filter_shape::for_names(names), 0);
    if (auto begun = put_head(target); !begun) return begun;
    merged_entries entries{from_, tables};
    int code = entries.seek({});
    for (bool is_done = false; !is_done; is_done = code == MDB_NOTFOUND) {
      if (auto part = copy_part(entries, code, target); !part) return part;
    }
    copied.complete(target);
    return {};
  }

  result<void> put_head(const index_run& target) {
    auto transaction = into_.begin_write();
    if (!transaction) return std::move(transaction).error();
    int code = put_run_head(*transaction, ours_.runs[target.slot], target);
    if (code == 0) code = transaction->commit();
    return code == 0 ? result<void>{} : failed(code);
  }

  // Copies entries in one transaction. `code` is that of the place where `entries` stand.
  result<void> copy_part(merged_entries& entries, int& code, const index_run& target) {
    auto transaction = into_.begin_write();
    if (!transaction) return std::move(transaction).error();
    {
      run_writer writer{*transaction, ours_.runs[target.slot], target.shape()};
      joining_writer joined{writer};
      for (; code == 0 && writer.entries() < bulk_entries && writer.bytes() < bulk_bytes; code = entries.next()) {
        if (auto copied = copy_entry(entries, joined); !copied) return copied;
      }
      if (code == MDB_CORRUPTED) return damaged_entry();
      if (code != 0 && code != MDB_NOTFOUND) return failed(code);
      int written = joined.flush();
      if (written == 0) written = code == MDB_NOTFOUND ? writer.finish() : writer.flush();
      if (written != 0) return failed(written);
    }
    const int committed = transaction->commit();
    return committed == 0 ? result<void>{} : failed(committed);
  }

  result<void> copy_entry(const merged_entries& entries, joining_writer& to) {
    auto key = entries.key();
    auto kept = kept_.first_kept(key.name);
    if (!kept) return std::move(kept).error();
    const auto removed = *kept > key.number ? *kept - key.number : 0;
    if (removed >= entries.positions().count) return {};
    key.number += removed;
    const int code = to.add(key, entries.positions().without_first(removed));
    return code == 0 ? result<void>{} : failed(code);
  }

  static error damaged_entry() {
    return {errc::damaged, "copying the index of streams",
            "an entry is damaged: look for what else is with tyto::verify()"};
  }
  static error failed(int code) { return lmdb::to_error(code, "copying the index of streams"); }

  result<void> copy_others() {
    auto copied = copy_table(theirs_.meta, ours_.meta);
    if (copied) copied = copy_table(theirs_.checkpoints, ours_.checkpoints);
    if (copied) copied = copy_table(theirs_.retention, ours_.retention);
    return copied;
  }

  result<void> copy_table(lmdb::table from, lmdb::table to) {
    lmdb::cursor entries{from_, from};
    int code = entries.move(MDB_FIRST);
    for (; code == 0; code = entries.move(MDB_NEXT)) {
      if (to == ours_.meta && entries.key() == meta_key::runs) continue;  // the copy has runs of its own
      if (auto copied = writer_.append(to, entries.key(), entries.value()); !copied) return copied;
    }
    return code == MDB_NOTFOUND ? result<void>{} : lmdb::to_error(code, "copying the journal's tables");
  }

  const lmdb::transaction& from_;
  const journal_tables& theirs_;
  const journal_tables& ours_;
  lmdb::environment& into_;
  bulk_writer writer_;
  retention_rows kept_;
};

}  // namespace

result<void> copy_kept(const lmdb::transaction& from, const journal_tables& theirs, lmdb::environment& into) {
  auto ours = open_journal_tables(into, false);
  if (!ours) return std::move(ours).error();
  return journal_copy{from, theirs, *ours, into}.run();
}

}  // namespace tyto

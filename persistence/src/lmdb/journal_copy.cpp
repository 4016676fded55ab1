#include "lmdb/journal_copy.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "lmdb/bulk_writer.hpp"
#include "lmdb/event_scan.hpp"
#include "lmdb/retention_table.hpp"
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
      : from_(from), theirs_(theirs), ours_(ours), writer_(into), kept_(from, theirs.retention) {}

  result<void> run() {
    for (const auto& step : {&journal_copy::copy_events, &journal_copy::copy_index, &journal_copy::copy_others}) {
      if (auto done = (this->*step)(); !done) return done;
    }
    return writer_.finish();
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

  result<void> copy_index() {
    auto folded_to = read_folded_to(from_, theirs_.meta);
    if (!folded_to) return std::move(folded_to).error();
    lmdb::cursor entries{from_, theirs_.streams};
    int code = entries.move(MDB_FIRST);
    for (; code == 0; code = entries.move(MDB_NEXT)) {
      if (auto copied = copy_entry(entries.key(), entries.value(), *folded_to); !copied) return copied;
    }
    return code == MDB_NOTFOUND ? result<void>{} : lmdb::to_error(code, "copying the index of streams");
  }

  result<void> copy_entry(std::string_view key, std::string_view positions, std::uint64_t folded_to) {
    if (key.size() <= number_bytes + 1 || positions.empty() || positions.size() % number_bytes != 0) {
      return error{errc::damaged, "copying the index of streams", "an entry has a form that is none of ours"};
    }
    if (number_in(positions) > folded_to) return {};  // written early
    const auto id = key.substr(0, key.size() - number_bytes - 1);
    const auto first = stream_key::number_in(key);
    auto kept = kept_.first_kept(id);
    if (!kept) return std::move(kept).error();
    const auto begin = std::max(first, *kept);
    if (begin - first >= positions.size() / number_bytes) return {};
    return writer_.append(ours_.streams, stream_key{id, begin}.bytes(),
                          positions.substr((begin - first) * number_bytes));
  }

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
      if (auto copied = writer_.append(to, entries.key(), entries.value()); !copied) return copied;
    }
    return code == MDB_NOTFOUND ? result<void>{} : lmdb::to_error(code, "copying the journal's tables");
  }

  const lmdb::transaction& from_;
  const journal_tables& theirs_;
  const journal_tables& ours_;
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

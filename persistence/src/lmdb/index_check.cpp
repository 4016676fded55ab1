#include "lmdb/index_check.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <utility>

#include "lmdb/stored_number.hpp"
#include "lmdb/stream_key.hpp"
#include "record.hpp"

namespace tyto {
namespace {

constexpr std::size_t number_bytes = sizeof(std::uint64_t);

std::uint64_t hash_of(std::string_view id) { return XXH3_64bits(id.data(), id.size()); }

constexpr auto advice =
    "the events themselves can be read in order; restore the journal from a backup, for this stream cannot be";

}  // namespace

void index_check::sum::add(std::uint64_t stream_hash, std::uint64_t sequence_number, std::uint64_t position) {
  const std::array<std::uint64_t, 3> one{stream_hash, sequence_number, position};
  ++events;
  hashes += XXH3_64bits(one.data(), sizeof one);
}

std::uint64_t index_check::entry::position(std::uint64_t i) const {
  return number_in(positions.substr(i * number_bytes, number_bytes));
}

index_check::index_check(const lmdb::transaction& transaction, const journal_tables& tables, std::uint64_t folded_to,
                         finding_list& found)
    : transaction_(transaction),
      tables_(tables),
      folded_to_(folded_to),
      found_(found),
      kept_(transaction, tables.retention),
      tail_(folded_to) {}

void index_check::report(std::string_view id, std::string what) {
  found_.add(fmt::format("the index of the stream {}", id), std::move(what), advice);
}

void index_check::add(const metadata& event) {
  const stream_name stream{event.persistence_id};
  if (event.position <= folded_to_) return events_.add(stream.hash, event.sequence_number, event.position);
  if (tail_.add(stream, event.sequence_number) || has_damaged_events_) return;
  found_.add(
      record::reading(event.position, {}),
      fmt::format("event {} of {} does not follow the one before it", event.sequence_number, event.persistence_id),
      "restore the journal from a backup");
}

void index_check::add_damaged(std::uint64_t position) {
  has_damaged_events_ = true;
  if (position <= folded_to_) ++events_.events;
}

result<void> index_check::run(std::uint64_t head, bool has_removed) {
  head_ = head;
  has_removed_ = has_removed;
  const auto before = found_.count();
  auto read = visit_entries([&](const entry& each) -> result<void> {
    ++found_.report().index_entries;
    check_order(each);
    if (each.position(0) > folded_to_) return compare_with_events(each, nullptr);
    const auto hash = hash_of(each.id);
    for (std::uint64_t i = 0; i < each.count(); ++i) index_.add(hash, each.first + i, each.position(i));
    return {};
  });
  if (read && found_.count() == before && index_ != events_) read = find_differences();
  if (read) read = check_tail();
  return read;
}

template <class Visit>
result<void> index_check::visit_entries(const Visit& visit) {
  lmdb::cursor entries{transaction_, tables_.streams};
  int code = entries.move(MDB_FIRST);
  for (; code == 0; code = entries.move(MDB_NEXT)) {
    const auto key = entries.key();
    const auto positions = entries.value();
    const auto id = key.substr(0, key.size() - std::min(key.size(), number_bytes + 1));
    if (!check_persistence_id(id) || key[id.size()] != '\0' || positions.empty() ||
        positions.size() % number_bytes != 0) {
      report(id, "an entry has a form that is none of ours");
      continue;
    }
    if (auto visited = visit(entry{id, stream_key::number_in(key), positions}); !visited) return visited;
  }
  return code == MDB_NOTFOUND ? result<void>{} : lmdb::to_error(code, "reading the index of streams");
}

void index_check::check_order(const entry& each) {
  const bool is_early = each.position(0) > folded_to_;
  if (each.id != id_) {
    id_ = each.id;
    // The first entry of a stream begins with its first event, unless a compaction has taken that away.
    if (each.first != 1) {
      auto kept = has_removed_ ? kept_.first_kept(each.id) : result<std::uint64_t>{std::uint64_t{1}};
      if (kept && (each.first > *kept || each.first == 0)) {
        report(each.id, fmt::format("its first entry begins with event {}", each.first));
      }
    }
  } else if (is_early_) {
    report(each.id, "an entry follows one that was written early");
  } else if (each.first != next_) {
    report(each.id, fmt::format("an entry begins with event {} where {} must come", each.first, next_));
  }
  next_ = each.first + each.count();
  is_early_ = is_early;
  for (std::uint64_t i = 0; i < each.count(); ++i) {
    const auto position = each.position(i);
    const bool fits =
        position <= head_ && (position > folded_to_) == is_early && (i == 0 || position > each.position(i - 1));
    if (fits) continue;
    report(each.id, fmt::format("event {} is said to lie at position {}", each.first + i, position));
    break;
  }
}

// Looks up each event of an entry, and notes the positions in `named`.
result<void> index_check::compare_with_events(const entry& each, std::vector<bool>* named) {
  for (std::uint64_t i = 0; i < each.count(); ++i) {
    const auto position = each.position(i);
    if (position == 0 || position > head_) continue;  // has been reported
    if (named != nullptr && (*named)[position]) {
      report(each.id, fmt::format("position {} is named twice", position));
      continue;
    }
    if (named != nullptr) (*named)[position] = true;
    std::string_view bytes;
    const int code = transaction_.get(tables_.events, as_key(position), bytes);
    if (code != 0 && code != MDB_NOTFOUND) return lmdb::to_error(code, record::reading(position, {}));
    if (code == MDB_NOTFOUND) {
      report(each.id,
             fmt::format("event {} is said to lie at position {}, where there is none", each.first + i, position));
      continue;
    }
    const auto event = record::verify(position, bytes);
    if (!event) continue;  // has been reported
    if (event->persistence_id == each.id && event->sequence_number == each.first + i) continue;
    report(each.id, fmt::format("event {} is said to lie at position {}, where event {} of {} is", each.first + i,
                                position, event->sequence_number, event->persistence_id));
  }
  return {};
}

result<void> index_check::find_differences() {
  std::vector<bool> named(head_ + 1);
  auto compared = visit_entries([&](const entry& each) -> result<void> {
    return each.position(0) > folded_to_ ? result<void>{} : compare_with_events(each, &named);
  });
  if (!compared) return compared;
  lmdb::cursor events{transaction_, tables_.events};
  int code = events.move(MDB_FIRST);
  for (; code == 0; code = events.move(MDB_NEXT)) {
    const auto position = number_in(events.key());
    if (position > folded_to_) return {};
    if (position > head_ || named[position]) continue;
    const auto event = record::verify(position, events.value());
    if (event)
      report(event->persistence_id,
             fmt::format("event {} at position {} is missing", event->sequence_number, position));
  }
  return code == MDB_NOTFOUND ? result<void>{} : lmdb::to_error(code, "reading the events");
}

// Each stream's events beyond `folded_to` must follow those that the index names.
result<void> index_check::check_tail() {
  for (stream_runs::walk rest{tail_}; !rest.at_end();) {
    const auto [id, run] = rest.next();
    auto before = stream_entries{transaction_, tables_.streams, id}.seek(run->first - 1);
    if (!before && before.error().code() == errc::damaged) continue;  // has been reported
    if (!before) return std::move(before).error();
    const auto count = before->positions.size() / number_bytes;
    const bool has_entry = count > 0 && number_in(before->positions) <= folded_to_;
    if (has_entry ? before->first + count == run->first : run->first == 1) continue;
    auto kept = has_removed_ ? kept_.first_kept(id) : result<std::uint64_t>{std::uint64_t{1}};
    if (!has_entry && kept && run->first <= *kept) continue;
    if (!has_damaged_events_) report(id, fmt::format("it does not name the event before event {}", run->first));
  }
  return {};
}

}  // namespace tyto

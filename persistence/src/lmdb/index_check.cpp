#include "lmdb/index_check.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <utility>

#include "lmdb/key_filter.hpp"
#include "lmdb/old_index.hpp"
#include "lmdb/run_entry.hpp"
#include "lmdb/run_head.hpp"
#include "lmdb/stored_number.hpp"
#include "lmdb/stream_key.hpp"
#include "record.hpp"

namespace tyto {
namespace {

constexpr std::size_t number_bytes = sizeof(std::uint64_t);

constexpr auto reading = "reading the index of streams";
constexpr auto no_entry = "an entry has a form that is none of ours";
constexpr auto advice =
    "the events themselves can be read in order; restore the journal from a backup, for this stream cannot be";

}  // namespace

void index_check::sum::add(std::uint64_t stream_hash, std::uint64_t sequence_number, std::uint64_t position) {
  const std::array<std::uint64_t, 3> one{stream_hash, sequence_number, position};
  ++events;
  hashes += XXH3_64bits(one.data(), sizeof one);
}

index_check::index_check(const lmdb::transaction& transaction, const journal_tables& tables, run_catalog catalog,
                         finding_list& found)
    : transaction_(transaction),
      tables_(tables),
      catalog_(std::move(catalog)),
      found_(found),
      kept_(transaction, tables.retention),
      tail_(catalog_.folded_to()) {}

void index_check::report(std::string_view id, std::string what) {
  found_.add(fmt::format("the index of the stream {}", id), std::move(what), advice);
}

void index_check::add(const metadata& event) {
  const stream_name stream{event.persistence_id};
  if (event.position <= catalog_.folded_to()) return events_.add(stream.hash, event.sequence_number, event.position);
  if (tail_.add(stream, event.sequence_number) || has_damaged_events_) return;
  found_.add(
      record::reading(event.position, {}),
      fmt::format("event {} of {} does not follow the one before it", event.sequence_number, event.persistence_id),
      "restore the journal from a backup");
}

void index_check::add_damaged(std::uint64_t position) {
  has_damaged_events_ = true;
  if (position <= catalog_.folded_to()) ++events_.events;
}

result<void> index_check::run(std::uint64_t head, bool has_removed) {
  head_ = head;
  has_removed_ = has_removed;
  const auto before = found_.count();
  auto read = visit_entries(true, [&](const entry& each) -> result<void> {
    ++found_.report().index_entries;
    check_order(each);
    if (each.is_early()) return compare_with_events(each, nullptr);
    const stream_name stream{each.id};
    auto number = each.events.first;
    for (const auto position : each.events.positions) index_.add(stream.hash, number++, position);
    return {};
  });
  if (read && found_.count() - filter_findings_ == before && index_ != events_) read = find_differences();
  if (read) read = check_tail();
  return read;
}

template <class Visit>
result<void> index_check::visit_entries(bool reports, const Visit& visit) {
  for (const auto& each : catalog_.complete()) {
    run_after_ = each.after;
    id_.clear();
    auto visited =
        each.is_old_index() ? visit_old_entries(each, reports, visit) : visit_run_entries(each, reports, visit);
    if (!visited) return visited;
  }
  return {};
}

template <class Visit>
result<void> index_check::visit_old_entries(const index_run& of, bool reports, const Visit& visit) {
  lmdb::cursor entries{transaction_, tables_.streams};
  int code = entries.move(MDB_FIRST);
  for (; code == 0; code = entries.move(MDB_NEXT)) {
    const auto key = entries.key();
    const auto id = key.substr(0, key.size() - std::min(key.size(), number_bytes + 1));
    auto positions = old_index_reader::positions_in(entries.value());
    if (!check_persistence_id(id) || key[id.size()] != '\0' || positions.empty()) {
      if (reports) report(id, no_entry);
      continue;
    }
    auto visited = visit(entry{of, id, {stream_key::number_in(key), std::move(positions)}});
    if (!visited) return visited;
  }
  return code == MDB_NOTFOUND ? result<void>{} : lmdb::to_error(code, reading);
}

template <class Visit>
result<void> index_check::visit_run_entries(const index_run& of, bool reports, const Visit& visit) {
  const auto table = tables_.runs[of.slot];
  if (auto right = check_run_head(transaction_, table, of); !right) {
    if (right.error().code() != errc::damaged) return right;
    if (reports) found_.add(right.error(), advice);
  }
  auto filter = key_filter::load(transaction_, table, of.shape());
  if (!filter) return std::move(filter).error();
  const auto report_filter = [&](std::string what) {
    if (!reports) return;
    ++filter_findings_;
    found_.add(fmt::format("the filter of {}, of the index of streams", run_table_name(of.slot)), std::move(what),
               advice);
  };
  if (filter->damaged_pieces() > 0) {
    report_filter(fmt::format("{} of its {} pieces are missing or have a wrong checksum", filter->damaged_pieces(),
                              of.shape().pieces()));
  }
  lmdb::cursor entries{transaction_, table};
  std::uint64_t pieces = 0;
  int code = entries.move(MDB_FIRST);
  for (; code == 0; code = entries.move(MDB_NEXT)) {
    if (is_run_head(entries.key())) continue;
    if (entries.key().size() == number_bytes) {
      ++pieces;
      continue;
    }
    const auto key = run_key::parse(entries.key());
    if (!key || !check_persistence_id(key->name)) {
      if (reports) report(key ? key->name : entries.key(), no_entry);
      continue;
    }
    const auto packed = packed_positions::unpack(entries.key(), entries.value());
    if (!packed || key->hash != stream_name{key->name}.hash) {
      if (reports) report(key->name, packed ? "an entry has the wrong hash" : "the checksum of an entry is wrong");
      continue;
    }
    if (!filter->may_hold(key->hash)) report_filter(fmt::format("it hides the stream {}", key->name));
    if (auto visited = visit(entry{of, key->name, {key->number, packed->positions()}}); !visited) return visited;
  }
  if (code != MDB_NOTFOUND) return lmdb::to_error(code, reading);
  if (pieces > of.shape().pieces()) report_filter(fmt::format("it has {} pieces", pieces));
  return {};
}

void index_check::check_order(const entry& each) {
  const auto first = each.events.first;
  if (each.id != id_) {
    id_ = each.id;
    // The first entry of a stream begins with its first event, unless a compaction has taken that away.
    if (first != 1 && run_after_ == 0) {
      auto kept = has_removed_ ? kept_.first_kept(each.id) : result<std::uint64_t>{std::uint64_t{1}};
      if (kept && (first > *kept || first == 0)) {
        report(each.id, fmt::format("its first entry begins with event {}", first));
      }
    }
  } else if (is_early_) {
    report(each.id, "an entry follows one that was written early");
  } else if (first != next_) {
    report(each.id, fmt::format("an entry begins with event {} where {} must come", first, next_));
  }
  next_ = each.events.end();
  is_early_ = each.is_early();
  const auto& positions = each.events.positions;
  for (std::size_t i = 0; i < positions.size(); ++i) {
    const auto position = positions[i];
    const bool is_covered = position > each.of.after && position <= each.of.up_to;
    const bool fits = position <= head_ && is_covered != is_early_ && (i == 0 || position > positions[i - 1]);
    if (fits) continue;
    report(each.id, fmt::format("event {} is said to lie at position {}", first + i, position));
    break;
  }
}

// Looks up each event of an entry, and notes the positions in `named`.
result<void> index_check::compare_with_events(const entry& each, std::vector<bool>* named) {
  auto number = each.events.first - 1;
  for (const auto position : each.events.positions) {
    ++number;
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
      report(each.id, fmt::format("event {} is said to lie at position {}, where there is none", number, position));
      continue;
    }
    const auto event = record::verify(position, bytes);
    if (!event) continue;  // has been reported
    if (event->persistence_id == each.id && event->sequence_number == number) continue;
    report(each.id, fmt::format("event {} is said to lie at position {}, where event {} of {} is", number, position,
                                event->sequence_number, event->persistence_id));
  }
  return {};
}

result<void> index_check::find_differences() {
  std::vector<bool> named(head_ + 1);
  auto compared = visit_entries(false, [&](const entry& each) -> result<void> {
    return each.is_early() ? result<void>{} : compare_with_events(each, &named);
  });
  if (!compared) return compared;
  lmdb::cursor events{transaction_, tables_.events};
  int code = events.move(MDB_FIRST);
  for (; code == 0; code = events.move(MDB_NEXT)) {
    const auto position = number_in(events.key());
    if (position > catalog_.folded_to()) return {};
    if (position > head_ || named[position]) continue;
    const auto event = record::verify(position, events.value());
    if (event)
      report(event->persistence_id,
             fmt::format("event {} at position {} is missing", event->sequence_number, position));
  }
  return code == MDB_NOTFOUND ? result<void>{} : lmdb::to_error(code, "reading the events");
}

// Each stream's events in the tail must follow those that the index names.
result<void> index_check::check_tail() {
  stream_index kept_in_memory;
  auto index = kept_in_memory.view(transaction_, tables_);
  if (!index) return std::move(index).error();
  for (stream_runs::walk rest{tail_}; !rest.at_end();) {
    const auto [stream, run] = rest.next();
    auto before = index->last(stream);
    if (!before && before.error().code() == errc::damaged) continue;  // has been reported
    if (!before) return std::move(before).error();
    if (before->sequence_number + 1 == run->first) continue;
    auto kept = has_removed_ ? kept_.first_kept(stream.id) : result<std::uint64_t>{std::uint64_t{1}};
    if (before->sequence_number == 0 && kept && run->first <= *kept) continue;
    if (!has_damaged_events_) report(stream.id, fmt::format("it does not name the event before event {}", run->first));
  }
  return {};
}

}  // namespace tyto

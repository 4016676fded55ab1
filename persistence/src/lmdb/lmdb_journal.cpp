#include "lmdb/lmdb_journal.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <optional>

#include "lmdb/bulk_writer.hpp"
#include "lmdb/index_upkeep.hpp"
#include "lmdb/retention_table.hpp"
#include "lmdb/sealed_value.hpp"
#include "lmdb/store_meta.hpp"
#include "lmdb/stored_number.hpp"
#include "record.hpp"
#include "write_checks.hpp"

namespace tyto {
namespace {

constexpr std::uint64_t fold_events_max = std::uint64_t{1} << 30;  // what the tail can number
constexpr std::uint64_t every_number = std::numeric_limits<std::uint64_t>::max();

error wrong_index(std::uint64_t position, std::string_view bytes, std::uint64_t sequence_number,
                  std::string_view persistence_id) {
  return {errc::damaged, record::reading(position, bytes),
          fmt::format("the index expects event {} of {} here", sequence_number, persistence_id)};
}

// Visits a stream's events by their positions, and goes along the table instead of searching it where these are
// consecutive.
class event_walk {
 public:
  event_walk(const lmdb::transaction& transaction, lmdb::table events, const event_visitor& visitor)
      : cursor_(transaction, events), visitor_(visitor) {}

  // Visits those events of the stream that lie at `places` whose number is not below `from` and below `end`.
  result<visit> go(std::string_view persistence_id, const stream_positions& places, std::uint64_t from,
                   std::uint64_t end) {
    for (auto number = std::max(from, places.first); number < std::min(end, places.end()); ++number) {
      const auto position = places.positions[number - places.first];
      auto payload = read(position);
      if (!payload) return std::move(payload).error();
      if (meta_.sequence_number != number || meta_.persistence_id != persistence_id) {
        return wrong_index(position, cursor_.value(), number, persistence_id);
      }
      if (visitor_({meta_, *payload}) == visit::stop) return visit::stop;
    }
    return visit::next;
  }

 private:
  result<std::string_view> read(std::uint64_t position) {
    int code = MDB_NOTFOUND;
    if (position == last_ + 1 && last_ != 0) {
      code = cursor_.move(MDB_NEXT);
      if (code == 0 && number_in(cursor_.key()) != position) code = MDB_NOTFOUND;
    } else {
      code = cursor_.seek(as_key(position), MDB_SET_KEY);
    }
    if (code == MDB_NOTFOUND) return missing_event(position, "the index names it, but it is not there");
    if (code != 0) return lmdb::to_error(code, record::reading(position, {}));
    last_ = position;
    return record::read(position, cursor_.value(), meta_);
  }

  lmdb::cursor cursor_;
  const event_visitor& visitor_;
  metadata meta_;
  std::uint64_t last_ = 0;
};

std::string appending(const append_batch& batch, const lmdb::environment& environment) {
  if (batch.writes.empty()) return fmt::format("storing checkpoints in '{}'", environment.directory().string());
  return fmt::format("appending {} writes, the first to {}, in '{}'", batch.writes.size(),
                     batch.writes.front()->persistence_id, environment.directory().string());
}

error incomplete_index(std::string_view persistence_id, std::uint64_t missing) {
  return {errc::damaged, fmt::format("looking up the stream {}", persistence_id),
          fmt::format("the index does not know event {}", missing)};
}

}  // namespace

lmdb_journal::lmdb_journal(std::shared_ptr<lmdb::environment> environment, std::shared_ptr<const void> writer_lock,
                           bool read_only, std::uint64_t fold_events)
    : writer_lock_(std::move(writer_lock)),
      environment_(std::move(environment)),
      read_only_(read_only),
      fold_events_(std::clamp<std::uint64_t>(fold_events, 1, fold_events_max)) {}

result<std::shared_ptr<lmdb_journal>> lmdb_journal::open(std::shared_ptr<lmdb::environment> environment,
                                                         std::shared_ptr<const void> writer_lock, bool read_only,
                                                         std::uint64_t fold_events) {
  std::shared_ptr<lmdb_journal> journal{
      new lmdb_journal{std::move(environment), std::move(writer_lock), read_only, fold_events}};
  auto tables = open_journal_tables(*journal->environment_, read_only);
  if (!tables) return std::move(tables).error();
  journal->tables_ = *tables;
  if (read_only) return journal;  // it catches up when it is asked
  if (auto tidied = tidy_index(*journal->environment_, journal->tables_); !tidied) return std::move(tidied).error();
  if (auto caught_up = journal->begin_following(); !caught_up) return std::move(caught_up).error();
  journal->tail_.begin_fold(journal->fold_events_);
  return journal;
}

void lmdb_journal::append(append_batch batch, append_done done) { done(store(batch)); }

result<append_outcomes> lmdb_journal::store(append_batch& batch) {
  const auto failed = [&](int code) { return lmdb::to_error(code, appending(batch, *environment_)); };
  if (read_only_)
    return error{errc::permission, appending(batch, *environment_), "the journal is open for reading only"};
  for (const auto& each : batch.checkpoints) {
    if (auto usable = check_name(each.name); !usable) return std::move(usable).error();
  }
  auto transaction = environment_->begin_write();
  if (!transaction) return std::move(transaction).error();
  auto head = continued_head(*transaction);
  if (!head) return std::move(head).error();

  stream_runs added{*head};
  auto outcomes = store_writes(*transaction, batch, added);
  if (!outcomes) return outcomes;
  for (const auto& [name, position] : batch.checkpoints) {
    const int code = transaction->put(tables_.checkpoints, name, sealed(name, position));
    if (code != 0) return failed(code);
  }
  if (auto stored = commit(*transaction, added); !stored) return nothing_stored(batch, stored.error());
  return outcomes;
}

result<append_outcomes> lmdb_journal::store_writes(lmdb::transaction& transaction, append_batch& batch,
                                                   stream_runs& added) const {
  append_outcomes outcomes;
  if (batch.writes.empty()) return outcomes;
  auto index = index_.view(transaction, tables_);
  if (!index) return nothing_stored(batch, index.error());
  lmdb::cursor events{transaction, tables_.events};
  for (const auto& write : batch.writes) {
    auto outcome = store_write(transaction, *index, events, *write, added);
    if (!outcome && !is_refusal(outcome.error())) return nothing_stored(batch, outcome.error());
    outcomes.push_back(std::move(outcome));
  }
  return outcomes;
}

error lmdb_journal::nothing_stored(const append_batch& batch, const error& why) const {
  return error{why.code(), appending(batch, *environment_), "nothing of it is stored"}.because(why);
}

result<std::uint64_t> lmdb_journal::continued_head(const lmdb::transaction& transaction) const {
  auto head = last_position(transaction, tables_);
  if (!head || *head == tail_.indexed_to()) return head;
  return error{errc::locked, fmt::format("appending to '{}'", environment_->directory().string()),
               fmt::format("the journal ends at position {}, but this writer knows it up to {}: somebody else has "
                           "written to it. Nothing more is stored; end one of the writers and open the storage again",
                           *head, tail_.indexed_to())};
}

result<void> lmdb_journal::check_sole_writer() const {
  auto transaction = environment_->begin_read();
  if (!transaction) return std::move(transaction).error();
  auto head = continued_head(*transaction);
  return head ? result<void>{} : std::move(head).error();
}

result<void> lmdb_journal::commit(lmdb::transaction& transaction, const stream_runs& added) {
  stream_tail::fold_step fold;
  auto advanced = advance_index(transaction, tables_, tail_, added.events(), added.end_position(), fold);
  if (!advanced) return advanced;
  tail_.publish(added);
  if (const int code = transaction.commit(); code != 0) {
    tail_.withdraw();
    return lmdb::to_error(code, "committing to the journal");
  }
  tail_.settle(std::move(fold));
  tail_.begin_fold(fold_events_);
  return {};
}

result<std::uint64_t> lmdb_journal::follow(const lmdb_journal& other) {
  auto ours = head();
  if (!ours) return ours;
  auto transaction = other.environment_->begin_read();
  if (!transaction) return std::move(transaction).error();
  event_scan others{*transaction, other.tables_};
  auto more = others.begin(*ours + 1);
  while (more && *more) more = follow(others);
  return more ? result<std::uint64_t>{others.position() - *ours - 1} : std::move(more).error();
}

result<bool> lmdb_journal::follow(event_scan& others) {
  auto transaction = environment_->begin_write();
  if (!transaction) return std::move(transaction).error();
  stream_runs added{others.position() - 1};
  metadata meta;
  result<bool> more = true;
  std::uint64_t bytes = 0;
  for (; more && *more && added.events() < bulk_entries && bytes < bulk_bytes; more = others.next()) {
    const auto position = others.position();
    if (auto whole = record::read(position, others.bytes(), meta); !whole) return std::move(whole).error();
    const int code = transaction->put(tables_.events, as_key(position), others.bytes(), MDB_APPEND);
    if (code != 0) return lmdb::to_error(code, record::reading(position, others.bytes()));
    if (!added.add(stream_name{meta.persistence_id}, meta.sequence_number)) {
      return missing_event(position, "it does not follow its stream's event before it");
    }
    bytes += others.bytes().size();
  }
  if (!more) return more;
  auto stored = commit(*transaction, added);
  return stored ? std::move(more) : std::move(stored).error();
}

result<void> lmdb_journal::take_over(const lmdb_journal& other, const std::set<std::string>& streams) {
  auto theirs = other.environment_->begin_read();
  if (!theirs) return std::move(theirs).error();
  auto ours = environment_->begin_write();
  if (!ours) return std::move(ours).error();
  const auto failed = [&](int code) {
    return lmdb::to_error(code, fmt::format("copying to '{}'", environment_->directory().string()));
  };
  lmdb::cursor checkpoints{*theirs, other.tables_.checkpoints};
  int found = checkpoints.move(MDB_FIRST);
  for (; found == 0; found = checkpoints.move(MDB_NEXT)) {
    const int code = ours->put(tables_.checkpoints, checkpoints.key(), checkpoints.value());
    if (code != 0) return failed(code);
  }
  if (found != MDB_NOTFOUND) return failed(found);
  for (const auto& stream : streams) {
    std::string_view row;
    int code = theirs->get(other.tables_.retention, stream, row);
    if (code == MDB_NOTFOUND) continue;  // the change was refused
    if (code == 0) code = ours->put(tables_.retention, stream, row);
    if (code != 0) return failed(code);
  }
  const int code = ours->commit();
  return code == 0 ? result<void>{} : failed(code);
}

result<void> lmdb_journal::store_write(lmdb::transaction& transaction, const index_view& index, lmdb::cursor& events,
                                       stream_write& write, stream_runs& added) const {
  if (auto fits = check_write(write); !fits) return fits;
  const stream_name stream{write.persistence_id};
  const auto* before = added.find(stream);
  auto known = info_in(index, before != nullptr ? before->version() : tail_.version(stream), stream);
  if (!known) return std::move(known).error();
  if (auto allowed = check_stream(write, *known); !allowed) return allowed;
  number_events(write, known->version, added.end_position());
  for (const auto& event : write.events) {
    const auto& m = event.meta;
    char* room = nullptr;
    const auto size = static_cast<std::size_t>(record::size_of(event, m.persistence_id));
    if (const int code = events.reserve(as_key(m.position), size, MDB_APPEND, room); code != 0) {
      return lmdb::to_error(code, "appending to " + m.persistence_id);
    }
    record::write(room, event);
    added.add(stream, m.sequence_number);
  }
  if (!write.retain) return {};
  known->version += write.events.size();
  retain(*known, *write.retain);
  const int code = retention_rows::put(transaction, tables_.retention, write.persistence_id, *known);
  return code == 0 ? result<void>{} : lmdb::to_error(code, "changing what is kept of " + write.persistence_id);
}

result<lmdb::transaction> lmdb_journal::begin_stream_read(const stream_name& stream, std::uint64_t from_sequence_number,
                                                          stream_tail::part& part) const {
  while (!read_only_) {
    part = tail_.copy(stream, from_sequence_number);
    auto transaction = environment_->begin_read();
    if (!transaction || part.published_end == 0) return transaction;
    if (part.withdrawn != tail_.withdrawn()) continue;
    auto head = last_position(*transaction, tables_);
    if (!head) return std::move(head).error();
    part.limit_to(*head);
    return transaction;
  }
  const std::lock_guard lock{follow_mutex_};
  auto transaction = begin_following();
  if (transaction) part = tail_.copy(stream, from_sequence_number);
  return transaction;
}

result<lmdb::transaction> lmdb_journal::begin_following() const {
  for (;;) {
    auto transaction = environment_->begin_read();
    if (!transaction) return transaction;
    auto index = index_.view(*transaction, tables_);
    if (!index) return std::move(index).error();
    if (index->can_be_read()) {
      auto caught_up = catch_up(*index);
      return caught_up ? std::move(transaction) : std::move(caught_up).error();
    }
    auto tables = open_journal_tables(*environment_, true);
    if (!tables) return std::move(tables).error();
    if (!tables->has_runs()) return error{errc::damaged, "reading the index of streams", "its tables are missing"};
    tables_.runs = tables->runs;
  }
}

result<void> lmdb_journal::catch_up(const index_view& index) const {
  if (index.folded_to() > tail_.folded_to()) tail_.clear(index.folded_to());

  event_scan events{index.transaction(), tables_};
  metadata scratch;
  auto next = tail_.indexed_to() + 1;
  auto more = events.begin(next);
  for (; more && *more; more = events.next(), ++next) {
    if (events.position() != next) tail_.skip_to(events.position() - 1);
    next = events.position();
    if (auto indexed = index_event(index, next, events.bytes(), scratch); !indexed) return indexed;
  }
  if (!more) return std::move(more).error();
  if (events.position() != next) tail_.skip_to(events.position() - 1);
  return {};
}

// A damaged event is indexed if it still says which event of which stream it is and that is the one to come: then it
// stops those who read it and nobody else. If not, it could belong to any stream, and no stream's version is known.
result<void> lmdb_journal::index_event(const index_view& index, std::uint64_t position, std::string_view bytes,
                                       metadata& scratch) const {
  auto whole = record::read(position, bytes, scratch);
  if (whole) {
    if (tail_.add(stream_name{scratch.persistence_id}, scratch.sequence_number)) return {};
    return missing_event(position, fmt::format("event {} of {} does not follow the one before it",
                                               scratch.sequence_number, scratch.persistence_id));
  }
  if (whole.error().code() != errc::damaged) return std::move(whole).error();
  if (const auto guess = record::guess_identity(bytes)) {
    const stream_name stream{guess->persistence_id};
    result<std::uint64_t> version = tail_.version(stream);
    if (*version == 0) {
      auto last = index.last(stream);
      version = last ? result<std::uint64_t>{last->sequence_number} : std::move(last).error();
    }
    auto expected = version ? *version + 1 : 0;
    if (expected == 1) {
      // A compaction may have removed those before it.
      auto kept = retention_rows{index.transaction(), tables_.retention}.first_kept(stream.id);
      if (kept && *kept == guess->sequence_number) expected = *kept;
    }
    if (expected == guess->sequence_number && expected != 0 && tail_.add(stream, expected)) return {};
  }
  return error{errc::damaged, "indexing the end of the journal",
               "which stream the damaged event belongs to is unknown; the journal can still be read in order"}
      .because(std::move(whole).error());
}

result<stream_info> lmdb_journal::read_stream(std::string_view persistence_id, std::uint64_t from_sequence_number,
                                              const event_visitor& visitor) const {
  if (!check_persistence_id(persistence_id)) return stream_info{};  // no such stream can have events
  const auto from = std::max<std::uint64_t>(from_sequence_number, 1);
  const stream_name stream{persistence_id};
  stream_tail::part tail;
  auto transaction = begin_stream_read(stream, from, tail);
  if (!transaction) return std::move(transaction).error();
  auto index = index_.view(*transaction, tables_);
  if (!index) return std::move(index).error();
  auto known = info_in(*index, tail.version, stream);
  if (!known) return known;
  auto visited = visit_stream(*index, tail, stream, std::max(from, known->first), visitor);
  return visited ? std::move(known) : std::move(visited).error();
}

result<void> lmdb_journal::visit_stream(const index_view& index, const stream_tail::part& tail,
                                        const stream_name& stream, std::uint64_t from,
                                        const event_visitor& visitor) const {
  // What the tail had is in the index, too, by now, if a fold has ended meanwhile.
  const auto end = tail.run.empty() ? every_number : tail.run.first;

  event_walk walk{index.transaction(), tables_.events, visitor};
  auto next = from;  // the sequence number that must come
  if (from < end) {
    stream_history history{index, stream};
    auto part = history.seek(from);
    for (; part && !part->empty() && part->first < end; part = history.next()) {
      if (part->first > next) return incomplete_index(stream.id, next);
      auto went = walk.go(stream.id, *part, next, end);
      if (!went) return std::move(went).error();
      if (*went == visit::stop) return {};
      next = std::max(next, part->end());
    }
    if (!part) return std::move(part).error();
  }
  if (tail.run.empty()) return {};
  if (next < tail.run.first) return incomplete_index(stream.id, next);
  auto went = walk.go(stream.id, tail.run, from, every_number);
  return went ? result<void>{} : std::move(went).error();
}

result<std::uint64_t> lmdb_journal::read_all(const journal_range& range, const event_visitor& visitor) const {
  auto transaction = environment_->begin_read();
  if (!transaction) return std::move(transaction).error();
  retention_rows kept{*transaction, tables_.retention};
  event_scan events{*transaction, tables_};
  metadata meta;
  const auto from = std::max<std::uint64_t>(range.from, 1);
  if (range.max_events == 0) return from - 1;
  auto left = range.max_events;
  auto more = events.begin(from);
  for (; more && *more; more = events.next()) {
    const bool is_last = --left == 0;
    auto event = record::verify(events.position(), events.bytes());
    if (!event) return std::move(event).error();
    if (range.only.takes(event->type, event->persistence_id)) {
      auto first = kept.first_kept(event->persistence_id);
      if (!first) return std::move(first).error();
      if (event->sequence_number >= *first) {
        auto payload = record::decode(events.position(), events.bytes(), meta);
        if (!payload) return std::move(payload).error();
        if (visitor({meta, *payload}) == visit::stop) return events.position();
      }
    }
    if (is_last) return events.position();
  }
  if (!more) return std::move(more).error();
  if (events.position() > from) return events.position() - 1;
  return last_position(*transaction, tables_);  // it began beyond the end
}

result<stream_info> lmdb_journal::info(std::string_view persistence_id) const {
  if (!check_persistence_id(persistence_id)) return stream_info{};
  const stream_name stream{persistence_id};
  stream_tail::part part;
  auto transaction = begin_stream_read(stream, every_number, part);
  if (!transaction) return std::move(transaction).error();
  auto index = index_.view(*transaction, tables_);
  if (!index) return std::move(index).error();
  return info_in(*index, part.version, stream);
}

result<stream_info> lmdb_journal::info_in(const index_view& index, std::uint64_t version_in_tail,
                                          const stream_name& stream) const {
  stream_info known;
  known.version = version_in_tail;
  if (version_in_tail == 0) {
    auto last = index.last(stream);
    if (!last) return std::move(last).error();
    if (last->position <= index.unsealed_to()) {
      if (auto right = check_last(index.transaction(), stream.id, *last); !right) return std::move(right).error();
    }
    known.version = last->sequence_number;
  }
  auto completed = retention_rows{index.transaction(), tables_.retention}.complete(stream.id, known);
  return completed ? result<stream_info>{std::move(known)} : std::move(completed).error();
}

result<void> lmdb_journal::check_last(const lmdb::transaction& transaction, std::string_view persistence_id,
                                      const last_event& last) const {
  if (last.sequence_number == 0) return {};
  std::string_view stored;
  const int code = transaction.get(tables_.events, as_key(last.position), stored);
  if (code == MDB_NOTFOUND) return missing_event(last.position, "the index names it, but it is not there");
  if (code != 0) return lmdb::to_error(code, record::reading(last.position, {}));
  auto whole = record::verify(last.position, stored);
  const auto event =
      whole ? std::optional{*whole} : record::guess_identity(stored);  // a damaged one stops who reads it
  if (event && event->sequence_number == last.sequence_number && event->persistence_id == persistence_id) return {};
  if (!whole) return std::move(whole).error();
  return wrong_index(last.position, stored, last.sequence_number, persistence_id);
}

result<std::uint64_t> lmdb_journal::head() const {
  auto transaction = environment_->begin_read();
  if (!transaction) return std::move(transaction).error();
  return last_position(*transaction, tables_);
}

result<std::uint64_t> lmdb_journal::load_checkpoint(std::string_view name) const {
  if (auto usable = check_name(name); !usable) return std::move(usable).error();
  auto transaction = environment_->begin_read();
  if (!transaction) return std::move(transaction).error();
  std::string_view position;
  const int code = transaction->get(tables_.checkpoints, name, position);
  if (code == MDB_NOTFOUND) return std::uint64_t{0};
  const auto doing = fmt::format("loading the checkpoint of {}", name);
  return code != 0 ? lmdb::to_error(code, doing) : unsealed_number(name, position, doing);
}

result<std::vector<checkpoint>> lmdb_journal::checkpoints() const {
  auto transaction = environment_->begin_read();
  if (!transaction) return std::move(transaction).error();
  std::vector<checkpoint> all;
  lmdb::cursor each{*transaction, tables_.checkpoints};
  int code = each.move(MDB_FIRST);
  for (; code == 0; code = each.move(MDB_NEXT)) {
    auto position = unsealed_number(each.key(), each.value(), fmt::format("loading the checkpoint of {}", each.key()));
    if (!position) return std::move(position).error();
    all.push_back({std::string{each.key()}, *position});
  }
  if (code == MDB_NOTFOUND) return all;
  return lmdb::to_error(code, "listing the checkpoints");
}

result<std::uint64_t> lmdb_journal::size_bytes() const {
  struct stat status {};
  const auto file = environment_->data_file();
  if (::stat(file.c_str(), &status) != 0) return lmdb::to_error(errno, fmt::format("measuring '{}'", file.string()));
  constexpr std::uint64_t block_bytes = 512;
  return static_cast<std::uint64_t>(status.st_blocks) * block_bytes;
}

storage_condition lmdb_journal::condition() const { return environment_->condition(); }

}  // namespace tyto

#include "lmdb/lmdb_journal.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <optional>

#include "lmdb/bulk_writer.hpp"
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

  // Visits those events of the stream that lie at `positions`, which begin with that of `first`, from `from` on.
  result<visit> go(std::string_view persistence_id, std::uint64_t first, std::string_view positions,
                   std::uint64_t from) {
    const auto count = positions.size() / sizeof(std::uint64_t);
    for (std::uint64_t i = from > first ? from - first : 0; i < count; ++i) {
      const auto position = number_in(positions.substr(i * sizeof(std::uint64_t), sizeof(std::uint64_t)));
      auto payload = read(position);
      if (!payload) return std::move(payload).error();
      if (meta_.sequence_number != first + i || meta_.persistence_id != persistence_id) {
        return wrong_index(position, cursor_.value(), first + i, persistence_id);
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
  auto transaction = journal->environment_->begin_read();
  if (!transaction) return std::move(transaction).error();
  if (auto indexed = journal->catch_up(*transaction); !indexed) return std::move(indexed).error();
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

  append_outcomes outcomes;
  stream_runs added{*head};
  {
    lmdb::cursor events{*transaction, tables_.events};
    for (const auto& write : batch.writes) {
      auto outcome = store_write(*transaction, events, *write, added, *head);
      if (!outcome && !is_refusal(outcome.error())) {
        const auto& why = outcome.error();
        return error{why.code(), appending(batch, *environment_), "nothing of it is stored"}.because(why);
      }
      outcomes.push_back(std::move(outcome));
    }
  }
  for (const auto& [name, position] : batch.checkpoints) {
    const int code = transaction->put(tables_.checkpoints, name, sealed(name, position));
    if (code != 0) return failed(code);
  }
  if (const int code = commit(*transaction, added); code != 0) return failed(code);
  return outcomes;
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

int lmdb_journal::commit(lmdb::transaction& transaction, const stream_runs& added) {
  stream_tail::fold_step fold;
  int code = tail_.fold(transaction, tables_.streams, added.events(), fold);
  if (code == 0 && fold.folded_to > 0) {
    code = transaction.put(tables_.meta, meta_key::folded_to, sealed(meta_key::folded_to, fold.folded_to));
  }
  if (code != 0) return code;
  tail_.publish(added);
  if (code = transaction.commit(); code != 0) {
    tail_.withdraw();
    return code;
  }
  tail_.settle(std::move(fold));
  tail_.begin_fold(fold_events_);
  return 0;
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
  const int code = commit(*transaction, added);
  return code == 0 ? more
                   : lmdb::to_error(code, fmt::format("copying events to '{}'", environment_->directory().string()));
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

result<void> lmdb_journal::store_write(lmdb::transaction& transaction, lmdb::cursor& events, stream_write& write,
                                       stream_runs& batch, std::uint64_t& head) const {
  if (auto fits = check_write(write); !fits) return fits;
  const stream_name stream{write.persistence_id};
  auto known = info_for_write(transaction, stream, batch);
  if (!known) return std::move(known).error();
  if (auto allowed = check_stream(write, *known); !allowed) return allowed;
  number_events(write, known->version, head);
  for (const auto& event : write.events) {
    const auto& m = event.meta;
    char* room = nullptr;
    const auto size = static_cast<std::size_t>(record::size_of(event, m.persistence_id));
    if (const int code = events.reserve(as_key(m.position), size, MDB_APPEND, room); code != 0) {
      return lmdb::to_error(code, "appending to " + m.persistence_id);
    }
    record::write(room, event);
    batch.add(stream, m.sequence_number);
  }
  head += write.events.size();
  if (!write.retain) return {};
  known->version += write.events.size();
  retain(*known, *write.retain);
  const int code = retention_rows::put(transaction, tables_.retention, write.persistence_id, *known);
  return code == 0 ? result<void>{} : lmdb::to_error(code, "changing what is kept of " + write.persistence_id);
}

result<stream_info> lmdb_journal::info_for_write(const lmdb::transaction& transaction, const stream_name& stream,
                                                 const stream_runs& batch) const {
  const auto* run = batch.find(stream);
  return info_in(transaction, run != nullptr ? run->version() : tail_.version(stream), stream.id);
}

result<lmdb::transaction> lmdb_journal::begin_stream_read(std::string_view persistence_id,
                                                          std::uint64_t from_sequence_number,
                                                          stream_tail::part& part) const {
  const stream_name stream{persistence_id};
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
  auto transaction = environment_->begin_read();
  if (!transaction) return transaction;
  if (auto indexed = catch_up(*transaction); !indexed) return std::move(indexed).error();
  part = tail_.copy(stream, from_sequence_number);
  return transaction;
}

result<void> lmdb_journal::catch_up(const lmdb::transaction& transaction) const {
  auto folded_to = read_folded_to(transaction, tables_.meta);
  if (!folded_to) return std::move(folded_to).error();
  if (*folded_to > tail_.folded_to()) tail_.clear(*folded_to);

  event_scan events{transaction, tables_};
  metadata scratch;
  auto next = tail_.indexed_to() + 1;
  auto more = events.begin(next);
  for (; more && *more; more = events.next(), ++next) {
    if (events.position() != next) tail_.skip_to(events.position() - 1);
    next = events.position();
    if (auto indexed = index_event(transaction, next, events.bytes(), scratch); !indexed) return indexed;
  }
  if (!more) return std::move(more).error();
  if (events.position() != next) tail_.skip_to(events.position() - 1);
  return {};
}

// A damaged event is indexed if it still says which event of which stream it is and that is the one to come: then it
// stops those who read it and nobody else. If not, it could belong to any stream, and no stream's version is known.
result<void> lmdb_journal::index_event(const lmdb::transaction& transaction, std::uint64_t position,
                                       std::string_view bytes, metadata& scratch) const {
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
      // Early entries know of events that the tail has yet to come to.
      auto last = stream_entries{transaction, tables_.streams, stream.id}.last_at(tail_.folded_to());
      version = last ? result<std::uint64_t>{last->sequence_number} : std::move(last).error();
    }
    auto expected = version ? *version + 1 : 0;
    if (expected == 1) {
      // A compaction may have removed those before it.
      auto kept = retention_rows{transaction, tables_.retention}.first_kept(stream.id);
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
  stream_tail::part tail;
  auto transaction = begin_stream_read(persistence_id, from, tail);
  if (!transaction) return std::move(transaction).error();
  auto known = info_in(*transaction, tail.version, persistence_id);
  if (!known) return known;
  auto visited = visit_stream(*transaction, tail, persistence_id, std::max(from, known->first), visitor);
  return visited ? std::move(known) : std::move(visited).error();
}

result<void> lmdb_journal::visit_stream(const lmdb::transaction& transaction, const stream_tail::part& tail,
                                        std::string_view persistence_id, std::uint64_t from,
                                        const event_visitor& visitor) const {
  const bool has_tail = !tail.run.positions.empty();
  const auto end = has_tail ? tail.run.first : every_number;

  event_walk walk{transaction, tables_.events, visitor};
  auto next = from;  // the sequence number that must come
  if (from < end) {
    stream_entries entries{transaction, tables_.streams, persistence_id};
    auto entry = entries.seek(from);
    for (; entry && !entry->positions.empty() && entry->first < end; entry = entries.next()) {
      if (entry->first > next) return incomplete_index(persistence_id, next);
      auto went = walk.go(persistence_id, entry->first, entry->positions, from);
      if (!went) return std::move(went).error();
      if (*went == visit::stop) return {};
      next = entry->first + entry->positions.size() / sizeof(std::uint64_t);
    }
    if (!entry) return std::move(entry).error();
  }
  if (!has_tail) return {};
  if (next < tail.run.first) return incomplete_index(persistence_id, next);
  const auto& positions = tail.run.positions;
  auto went = walk.go(persistence_id, tail.run.first,
                      {reinterpret_cast<const char*>(positions.data()), positions.size() * sizeof positions[0]}, from);
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
  stream_tail::part part;
  auto transaction = begin_stream_read(persistence_id, every_number, part);
  if (!transaction) return std::move(transaction).error();
  return info_in(*transaction, part.version, persistence_id);
}

result<stream_info> lmdb_journal::info_in(const lmdb::transaction& transaction, std::uint64_t version_in_tail,
                                          std::string_view persistence_id) const {
  stream_info known;
  known.version = version_in_tail;
  if (version_in_tail == 0) {
    auto last = stream_entries{transaction, tables_.streams, persistence_id}.last_at(every_number);
    if (!last) return std::move(last).error();
    if (auto right = check_last(transaction, persistence_id, *last); !right) return std::move(right).error();
    known.version = last->sequence_number;
  }
  auto completed = retention_rows{transaction, tables_.retention}.complete(persistence_id, known);
  return completed ? result<stream_info>{std::move(known)} : std::move(completed).error();
}

// The index has no checksum of its own: what it says is checked against the events, which have one.
result<void> lmdb_journal::check_last(const lmdb::transaction& transaction, std::string_view persistence_id,
                                      const stream_entries::last_event& last) const {
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

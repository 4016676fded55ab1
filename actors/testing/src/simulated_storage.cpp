#include "simulated_storage.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "tyto/memory_store.hpp"

namespace tyto::testing {
namespace {

using std::chrono::microseconds;

error ended(std::string doing) { return {errc::io, std::move(doing), "the program that has opened it has ended"}; }

std::string counted(std::size_t number, const std::string& what) {
  return std::to_string(number) + " " + what + (number == 1 ? "" : "s");
}

std::string appending(const append_batch& batch) {
  if (batch.writes.empty()) return "storing checkpoints";
  std::size_t events = 0;
  for (const auto& write : batch.writes) events += write->events.size();
  return "appending " + counted(events, "event") + ", the first to " + batch.writes.front()->persistence_id;
}

std::string named(std::string_view doing, std::string_view name) {
  std::string text{doing};
  return text += name;
}

// Whoever wanted it stored keeps the original.
append_batch copy_of(const append_batch& batch) {
  append_batch copy{{}, batch.checkpoints};
  for (const auto& write : batch.writes) copy.writes.push_back(std::make_shared<stream_write>(*write));
  return copy;
}

// Passes on `left` events, at least one, and then stops.
event_visitor visiting(std::uint64_t& left, const event_visitor& visitor) {
  return [&left, &visitor](const event_view& event) {
    const auto after = visitor(event);
    return --left == 0 ? visit::stop : after;
  };
}

}  // namespace

class simulated_storage::port {
 public:
  explicit port(std::shared_ptr<const program> of) : program_(std::move(of)) {}

 protected:
  /// Returns the store, or nullptr if the program has ended.
  [[nodiscard]] simulated_storage* store() const {
    auto* const found = program_->store;
    return found == nullptr || found->is_down_ ? nullptr : found;
  }

  /// Returns what `change` does with the store.
  template <class Change>
  [[nodiscard]] result<void> write(const char* doing, const Change& change) const {
    auto* const to = store();
    return to == nullptr ? ended(doing) : change(*to);
  }

  /// Returns what `look` finds behind the store, unless it fails.
  template <class Look>
  [[nodiscard]] auto read(const std::string& doing, const Look& look) const -> decltype(look(storage{})) {
    auto* const from = store();
    if (from == nullptr) return ended(doing);
    if (auto fails = from->read_fault(doing)) return *std::move(fails);
    return look(from->behind_);
  }

  /// As read(), of what visits events: a read that fails may have visited some.
  template <class Look>
  [[nodiscard]] auto read_events(const std::string& doing, const event_visitor& visitor, const Look& look) const
      -> decltype(look(std::declval<const event_store&>(), visitor)) {
    auto* const from = store();
    if (from == nullptr) return ended(doing);
    const auto journal = from->behind_.journal;
    auto fails = from->read_fault(doing);
    if (!fails) return look(*journal, visitor);
    constexpr std::uint64_t most_visited = 3;
    if (auto left = from->from_.between(0, most_visited); left > 0) {
      if (auto seen = look(*journal, visiting(left, visitor)); !seen) return seen;
    }
    return *std::move(fails);
  }

 private:
  std::shared_ptr<const program> program_;
};

class simulated_storage::journal_port final : public event_store, private port {
 public:
  using port::port;

  void append(append_batch batch, append_done done) override {
    if (auto* const to = store()) return to->append(std::move(batch), std::move(done));
    done(ended(appending(batch)));
  }
  result<stream_info> read_stream(std::string_view persistence_id, std::uint64_t from_sequence_number,
                                  const event_visitor& visitor) const override {
    return read_events(named("reading the stream ", persistence_id), visitor,
                       [&](const event_store& journal, const event_visitor& each) {
                         return journal.read_stream(persistence_id, from_sequence_number, each);
                       });
  }
  result<std::uint64_t> read_all(const journal_range& range, const event_visitor& visitor) const override {
    return read_events(
        "reading the journal from position " + std::to_string(range.from), visitor,
        [&](const event_store& journal, const event_visitor& each) { return journal.read_all(range, each); });
  }
  [[nodiscard]] result<stream_info> info(std::string_view persistence_id) const override {
    return read(named("looking up the stream ", persistence_id),
                [&](const storage& from) { return from.journal->info(persistence_id); });
  }
  [[nodiscard]] result<std::uint64_t> head() const override {
    return read("looking up the journal's end", [](const storage& from) { return from.journal->head(); });
  }
  [[nodiscard]] result<std::uint64_t> load_checkpoint(std::string_view name) const override {
    return read(named("loading the checkpoint of ", name),
                [&](const storage& from) { return from.journal->load_checkpoint(name); });
  }
  [[nodiscard]] result<std::vector<checkpoint>> checkpoints() const override {
    return read("listing the checkpoints", [](const storage& from) { return from.journal->checkpoints(); });
  }
  [[nodiscard]] result<std::uint64_t> size_bytes() const override {
    return read("measuring the journal", [](const storage& from) { return from.journal->size_bytes(); });
  }
  [[nodiscard]] storage_condition condition() const override {
    const auto* const from = store();
    return from == nullptr ? storage_condition{.files = ended("looking for the journal")}
                           : from->behind_.journal->condition();
  }
};

class simulated_storage::read_models_port final : public read_model_store, private port {
 public:
  using port::port;

  [[nodiscard]] result<std::unique_ptr<row_snapshot>> snapshot(std::string_view name) const override {
    return read(named("reading the rows of ", name),
                [&](const storage& from) { return from.read_models->snapshot(name); });
  }
  result<void> commit(std::string_view name, const row_changes& changes, const row_checkpoint& checkpoint) override {
    return write("committing a read model", [&](auto& to) { return to.commit(name, changes, checkpoint); });
  }
  result<void> clear(std::string_view name) override {
    return write("clearing a read model", [&](auto& to) { return to.clear(name); });
  }
  [[nodiscard]] result<std::vector<checkpoint>> checkpoints() const override {
    return read("listing the read models", [](const storage& from) { return from.read_models->checkpoints(); });
  }
  result<void> sync() override {
    return write("syncing the read models", [](auto& to) { return to.sync(); });
  }
  [[nodiscard]] storage_condition condition() const override {
    const auto* const from = store();
    return from == nullptr ? storage_condition{.files = ended("looking for the read models")}
                           : from->behind_.read_models->condition();
  }
};

class simulated_storage::snapshots_port final : public snapshot_store, private port {
 public:
  using port::port;

  result<void> save(const std::vector<snapshot>& snapshots) override {
    return write("saving snapshots", [&](auto& to) { return to.save(snapshots); });
  }
  result<void> load(std::string_view persistence_id, const snapshot_visitor& visitor) const override {
    return read(named("looking for snapshots of ", persistence_id),
                [&](const storage& from) { return from.snapshots->load(persistence_id, visitor); });
  }
  result<void> erase(std::string_view persistence_id) override {
    return write("dropping snapshots", [&](auto& to) { return to.erase(persistence_id); });
  }
};

simulated_storage::simulated_storage(choices& from, const storage_faults& often, callbacks around, storage_opener open)
    : from_(from),
      often_(often),
      around_(std::move(around)),
      open_(std::move(open)),
      behind_(open_ ? open_().value() : open_memory()) {}

simulated_storage::~simulated_storage() { program_->store = nullptr; }

storage simulated_storage::ports() {
  storage given;
  if (behind_.journal) given.journal = std::make_shared<journal_port>(program_);
  if (behind_.read_models) given.read_models = std::make_shared<read_models_port>(program_);
  if (behind_.snapshots) given.snapshots = std::make_shared<snapshots_port>(program_);
  return given;
}

void simulated_storage::crash(bool power_lost) {
  std::exchange(program_, std::make_shared<program>(program{this}))->store = nullptr;
  death_.reset();
  is_down_ = is_full_ = false;
  end_appends();
  if (power_lost) lose_power();
  if (!open_) return;
  behind_ = {};
  behind_ = open_().value();
}

// Each read model loses its last changes, and keeps those of others: nobody has promised an order among them.
void simulated_storage::lose_power() {
  while (!unsynced_.empty()) {
    const auto of = unsynced_.back().of;
    auto lost = from_.between(0, static_cast<std::uint64_t>(std::ranges::count(unsynced_, of, &change::of)));
    for (auto each = unsynced_.rbegin(); each != unsynced_.rend() && lost > 0; ++each) {
      if (each->of != of) continue;
      tell("losing power undoes " + each->doing);
      each->undo();
      ++changes_;
      --lost;
    }
    std::erase_if(unsynced_, [&of](const change& each) { return each.of == of; });
  }
}

void simulated_storage::heal() {
  often_ = {.lost_commits = often_.lost_commits};
  is_full_ = false;
  for (auto& each : appends_) each.breaks_journal = false;
}

std::optional<error> simulated_storage::fault(std::uint32_t often, const std::string& doing) {
  if (!from_.one_in(often)) return std::nullopt;
  return error{errc::io, doing, "Input/output error"};
}

std::optional<error> simulated_storage::write_fault(std::uint32_t often, const std::string& doing) {
  if (!is_full_ && from_.one_in(often_.full_disk)) {
    is_full_ = true;
    const microseconds time{from_.between(1, static_cast<std::uint64_t>(often_.longest_full_disk.count()))};
    around_.later(time, [of = program_] {
      if (of->store != nullptr) of->store->is_full_ = false;
    });
  }
  if (is_full_) return error{errc::full, doing, "No space left on device; the disk is full: make room"};
  return fault(often, doing);
}

std::optional<error> simulated_storage::read_fault(const std::string& doing) {
  auto fails = fault(often_.failing_reads, doing);
  if (fails) tell(fails->message());
  return fails;
}

bool simulated_storage::dies_at(std::uint64_t point, std::string_view which, const std::string& doing) {
  if (death_ != point) return false;
  is_down_ = true;
  tell("the program ends " + std::string{which} + " " + doing);
  return true;
}

void simulated_storage::append(append_batch batch, event_store::append_done done) {
  pending_append next{std::move(batch), std::move(done), {}, operations_++};
  next.doing = appending(next.batch);
  if (dies_at(2 * next.operation, "before", next.doing)) return;
  if (auto fails = write_fault(often_.failing_appends, next.doing)) {
    tell(fails->message());
    next.outcome = *std::move(fails);
  } else if (from_.one_in(often_.breaking_appends)) {
    next.breaks_journal = true;
  } else if (from_.one_in(often_.delayed_appends)) {
    const auto longest = static_cast<std::uint64_t>(often_.longest_append_delay.count());
    next.delay = microseconds{from_.between(0, longest)};
    next.delay_of_telling = microseconds{from_.between(0, longest)};
  }
  appends_.push_back(std::move(next));
  if (!std::exchange(is_appending_, true)) run_appends();
}

void simulated_storage::run_appends() {
  while (!appends_.empty() && !is_down_) {
    auto& next = appends_.front();
    if (const auto delay = std::exchange(next.delay, {}); delay > microseconds{0}) {
      return around_.later(delay, [of = program_] {
        if (of->store != nullptr) of->store->run_appends();
      });
    }
    if (!next.outcome && next.breaks_journal && !is_broken_) {
      is_broken_ = true;
      in_doubt_ = copy_of(next.batch);
      tell(next.doing + ": Input/output error; the journal is broken until it is opened again");
    }
    if (!next.outcome && is_broken_) next.outcome = error{errc::io, next.doing, "the journal is broken: open it again"};
    if (!next.outcome) {
      store(next);
      continue;
    }
    auto ready = std::move(next);
    appends_.pop_front();
    ready.done(*std::move(ready.outcome));
  }
  is_appending_ = false;
}

void simulated_storage::store(pending_append& next) {
  const auto writes = around_.tell ? next.batch.writes : decltype(next.batch.writes){};
  next.outcome = append_and_wait(*behind_.journal, std::move(next.batch));
  for (std::size_t i = 0; i < writes.size() && *next.outcome; ++i) {
    if ((**next.outcome)[i]) tell_of(*writes[i]);
  }
  if (*next.outcome) ++changes_;
  next.delay = next.delay_of_telling;
  dies_at(2 * next.operation + 1, "after", next.doing);
}

void simulated_storage::tell(const std::string& what) const {
  if (around_.tell) around_.tell(what);
}

void simulated_storage::tell_of(const stream_write& stored) const {
  for (const auto& each : stored.events) {
    const auto& m = each.meta;
    around_.tell("stored at " + std::to_string(m.position) + ": " + m.persistence_id + " " + m.type + " " +
                 to_json(each.payload));
  }
}

void simulated_storage::end_appends() {
  is_appending_ = false;
  auto under_way = std::exchange(appends_, {});
  std::erase_if(under_way, [](const pending_append& each) { return each.outcome.has_value(); });
  if (std::exchange(is_broken_, false)) {
    const bool is_there = from_.one_in(2);
    tell(std::string{"what broke the journal is "} + (is_there ? "stored" : "lost"));
    if (is_there) {
      append_and_wait(*behind_.journal, *std::move(in_doubt_)).value();
      ++changes_;
    }
    in_doubt_.reset();
    return;
  }
  if (under_way.empty()) return;
  const auto stored = from_.between(0, under_way.size());
  for (std::size_t i = 0; i < under_way.size(); ++i) {
    tell("the program ends while " + under_way[i].doing + (i < stored ? ": it is stored" : ": it is lost"));
    if (i < stored) store(under_way[i]);
  }
}

result<void> simulated_storage::carry_out(const std::string& doing, std::optional<error> fails,
                                          const std::function<result<void>()>& effect) {
  const auto operation = operations_++;
  if (dies_at(2 * operation, "before", doing)) return ended(doing);
  if (fails) {
    tell(fails->message());
    return *std::move(fails);
  }
  auto done = effect();
  if (dies_at(2 * operation + 1, "after", doing)) return ended(doing);
  return done;
}

result<void> simulated_storage::make_change(std::string_view of, const std::string& doing,
                                            result<std::function<void()>> undo,
                                            const std::function<result<void>()>& effect) {
  return carry_out(doing, write_fault(often_.failing_commits, doing), [&]() -> result<void> {
    if (!undo) return undo.error();
    auto done = effect();
    if (!done) return done;
    ++changes_;
    tell("done: " + doing);
    unsynced_.push_back({std::string{of}, doing, *std::move(undo)});
    if (unsynced_.size() > often_.lost_commits) unsynced_.pop_front();
    return done;
  });
}

result<void> simulated_storage::commit(std::string_view name, const row_changes& changes,
                                       const row_checkpoint& checkpoint) {
  return make_change(name, named("committing the read model ", name), undo_of_rows(name, &changes),
                     [&] { return behind_.read_models->commit(name, changes, checkpoint); });
}

result<void> simulated_storage::clear(std::string_view name) {
  return make_change(name, named("clearing the read model ", name), undo_of_rows(name, nullptr),
                     [&] { return behind_.read_models->clear(name); });
}

result<void> simulated_storage::sync() {
  const std::string doing = "syncing the read models";
  return carry_out(doing, fault(often_.failing_syncs, doing), [this] {
    auto synced = behind_.read_models->sync();
    if (synced) unsynced_.clear();
    return synced;
  });
}

result<void> simulated_storage::save(const std::vector<snapshot>& snapshots) {
  std::vector<std::string> streams;
  streams.reserve(snapshots.size());
  for (const auto& each : snapshots) streams.push_back(each.persistence_id);
  return make_change({}, "saving " + counted(snapshots.size(), "snapshot"), undo_of_snapshots(streams),
                     [&] { return behind_.snapshots->save(snapshots); });
}

result<void> simulated_storage::erase(std::string_view persistence_id) {
  return make_change({}, named("dropping the snapshots of ", persistence_id),
                     undo_of_snapshots({std::string{persistence_id}}),
                     [&] { return behind_.snapshots->erase(persistence_id); });
}

result<std::function<void()>> simulated_storage::undo_of_rows(std::string_view name, const row_changes* changes) const {
  auto known = behind_.read_models->checkpoints();
  if (!known) return std::move(known).error();
  if (std::ranges::find(*known, name, &checkpoint::name) == known->end()) {
    return std::function<void()>{[this, id = std::string{name}] { behind_.read_models->clear(id).value(); }};
  }
  auto rows = behind_.read_models->snapshot(name);
  if (!rows) return std::move(rows).error();
  row_changes before;
  for (const auto& [key, value] : changes == nullptr ? row_changes{} : *changes) {
    auto found = (*rows)->get(key);
    if (!found) return std::move(found).error();
    before.emplace(key, *std::move(found));
  }
  if (changes == nullptr) {
    auto seen = (*rows)->scan({}, [&](std::string_view key, std::string_view value) {
      before.emplace(key, std::string{value});
      return visit::next;
    });
    if (!seen) return std::move(seen).error();
  }
  return std::function<void()>{[this, id = std::string{name}, before = std::move(before), at = (*rows)->checkpoint()] {
    behind_.read_models->commit(id, before, at).value();
  }};
}

result<std::function<void()>> simulated_storage::undo_of_snapshots(
    const std::vector<std::string>& persistence_ids) const {
  std::vector<snapshot> before;
  for (const auto& id : persistence_ids) {
    auto seen = behind_.snapshots->load(id, [&](std::uint64_t number, const result<std::string_view>& image) {
      if (image) before.push_back({id, number, std::string{*image}, std::numeric_limits<std::size_t>::max()});
      return visit::next;
    });
    if (!seen) return std::move(seen).error();
  }
  return std::function<void()>{[this, ids = persistence_ids, before = std::move(before)] {
    for (const auto& id : ids) behind_.snapshots->erase(id).value();
    behind_.snapshots->save(before).value();
  }};
}

}  // namespace tyto::testing

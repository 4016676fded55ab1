#include "lmdb/lmdb_live_journal.hpp"

#include <fmt/format.h>

#include <system_error>
#include <utility>

#include "lmdb/bulk_writer.hpp"
#include "lmdb/journal_copy.hpp"
#include "lmdb/store_meta.hpp"

namespace tyto {

namespace fs = std::filesystem;

namespace {

// A round of catching up that copies no more than this is short enough to let appends wait for the next one. Where
// events are appended as fast as they can be copied, there is an end to it.
constexpr std::uint64_t short_round_events = 1000;
constexpr int rounds_max = 20;

// The directory in which a compaction writes, removed with what is in it.
class working_directory {
 public:
  explicit working_directory(fs::path path) : path_(std::move(path)) {}
  working_directory(working_directory&&) = delete;
  ~working_directory() { (void)remove(); }

  result<void> create() const {
    if (auto removed = remove(); !removed) return removed;
    std::error_code failed;
    fs::create_directory(path_, failed);
    return failed ? lmdb::to_error(failed.value(), fmt::format("creating '{}'", path_.string())) : result<void>{};
  }

 private:
  [[nodiscard]] result<void> remove() const {
    std::error_code failed;
    fs::remove_all(path_, failed);
    return failed ? lmdb::to_error(failed.value(), fmt::format("removing '{}'", path_.string())) : result<void>{};
  }
  fs::path path_;
};

// Copies what has been appended until a round was a short one.
result<void> catch_up(lmdb_journal& copy, const lmdb_journal& old) {
  for (int round = 0; round < rounds_max; ++round) {
    auto copied = copy.follow(old);
    if (!copied) return std::move(copied).error();
    if (*copied <= short_round_events) return {};
  }
  return {};
}

}  // namespace

fs::path compacting_directory(const fs::path& directory) {
  return directory.parent_path() / (directory.filename().string() + ".compacting");
}

result<std::shared_ptr<lmdb_live_journal>> lmdb_live_journal::open(std::shared_ptr<lmdb::environment> environment,
                                                                   setup how) {
  auto journal =
      lmdb_journal::open(std::move(environment), how.writer_lock, how.environment.read_only, how.fold_events);
  if (!journal) return std::move(journal).error();
  return std::shared_ptr<lmdb_live_journal>{new lmdb_live_journal{*std::move(journal), std::move(how)}};
}

// Before any lock: another thread may have held it when this process was forked.
result<void> lmdb_live_journal::check_process() const {
  if (owner_.is_this()) return {};
  const auto name = fmt::format("'{}'", how_.environment.directory.string());
  return owner_.refusal("using " + name, name);
}

result<std::shared_ptr<lmdb_journal>> lmdb_live_journal::current() const {
  if (auto ours = check_process(); !ours) return std::move(ours).error();
  const std::lock_guard lock{current_mutex_};
  if (!how_.environment.read_only) return current_;
  auto found = current_->environment().check_files();
  if (found) return current_;
  // Whoever writes may have compacted.
  auto in_place = current_->environment().in_place();
  if (!in_place) return std::move(in_place).error();
  if (*in_place) return std::move(found).error();
  auto id = read_journal_id(current_->environment(), journal_kind);
  if (!id) return std::move(id).error();
  auto reopened = reopen(id->value_or(""));
  if (reopened) current_ = *reopened;
  return reopened;
}

result<std::shared_ptr<lmdb_journal>> lmdb_live_journal::reopen(const std::string& journal_id) const {
  auto environment = lmdb::environment::open(how_.environment);
  if (!environment) return std::move(environment).error();
  auto id = read_journal_id(**environment, journal_kind);
  if (!id) return std::move(id).error();
  if (*id != journal_id) {
    return error{errc::foreign, fmt::format("following '{}'", how_.environment.directory.string()),
                 "another journal has taken the place of the one that was opened: close it and open it again"};
  }
  return lmdb_journal::open(*std::move(environment), how_.writer_lock, true, how_.fold_events);
}

void lmdb_live_journal::append(append_batch batch, append_done done) {
  if (auto ours = check_process(); !ours) return done(std::move(ours).error());
  result<append_outcomes> outcomes = append_outcomes{};
  {
    const std::lock_guard lock{append_mutex_};
    if (is_compacting_) {
      for (const auto& write : batch.writes) {
        if (write->retain) retained_.insert(write->persistence_id);
      }
    }
    current_->append(std::move(batch), [&](result<append_outcomes> stored) { outcomes = std::move(stored); });
    if (outcomes && how_.acknowledged) how_.acknowledged->advance(current_->known_to());
  }
  done(std::move(outcomes));
}

result<stream_info> lmdb_live_journal::read_stream(std::string_view persistence_id, std::uint64_t from_sequence_number,
                                                   const event_visitor& visitor) const {
  auto journal = current();
  if (!journal) return std::move(journal).error();
  return (*journal)->read_stream(persistence_id, from_sequence_number, visitor);
}

result<std::uint64_t> lmdb_live_journal::read_all(const journal_range& range, const event_visitor& visitor) const {
  auto journal = current();
  if (!journal) return std::move(journal).error();
  return (*journal)->read_all(range, visitor);
}

result<stream_info> lmdb_live_journal::info(std::string_view persistence_id) const {
  auto journal = current();
  if (!journal) return std::move(journal).error();
  return (*journal)->info(persistence_id);
}

result<std::uint64_t> lmdb_live_journal::head() const {
  auto journal = current();
  if (!journal) return std::move(journal).error();
  return (*journal)->head();
}

result<std::uint64_t> lmdb_live_journal::load_checkpoint(std::string_view name) const {
  auto journal = current();
  if (!journal) return std::move(journal).error();
  return (*journal)->load_checkpoint(name);
}

result<std::vector<checkpoint>> lmdb_live_journal::checkpoints() const {
  auto journal = current();
  if (!journal) return std::move(journal).error();
  return (*journal)->checkpoints();
}

result<std::uint64_t> lmdb_live_journal::size_bytes() const {
  auto journal = current();
  if (!journal) return std::move(journal).error();
  return (*journal)->size_bytes();
}

storage_condition lmdb_live_journal::condition() const {
  auto journal = current();
  if (!journal) return {std::move(journal).error(), {}};
  auto found = (*journal)->condition();
  if (found.files || how_.environment.read_only) return found;
  // A compaction may be exchanging the files just now: when it is done, the journal is the one that lies there.
  const std::lock_guard lock{append_mutex_};
  return current_->condition();
}

result<compaction> lmdb_live_journal::compact() {
  const auto doing = fmt::format("compacting '{}'", how_.environment.directory.string());
  const auto failed = [&](const error& why) {
    return error{why.code(), doing, "the journal is as it was"}.because(why);
  };
  if (how_.environment.read_only) return error{errc::permission, doing, "the storage is open for reading only"};
  if (auto ours = check_process(); !ours) return std::move(ours).error();
  const std::lock_guard one_at_a_time{compact_mutex_};
  auto journal = current();
  auto& old = **journal;
  auto before = old.size_bytes();
  if (!before) return failed(before.error());
  const working_directory working{compacting_directory(how_.environment.directory)};
  if (auto created = working.create(); !created) return failed(created.error());

  watch_retention(true);
  auto compacted = copy(old);
  auto exchanged = compacted ? exchange(*compacted, old) : result<void>{compacted.error()};
  watch_retention(false);
  if (!exchanged) return failed(exchanged.error());
  auto after = (*compacted)->size_bytes();
  if (!after) return std::move(after).error();
  return compaction{*before, *after};
}

void lmdb_live_journal::watch_retention(bool on) {
  const std::lock_guard lock{append_mutex_};
  is_compacting_ = on;
  retained_.clear();
}

result<std::shared_ptr<lmdb_journal>> lmdb_live_journal::copy(const lmdb_journal& old) const {
  auto options = how_.environment;
  options.directory = compacting_directory(options.directory);
  auto environment = lmdb::environment::open(options);
  if (!environment) return std::move(environment).error();
  (*environment)->sync_commits(false);
  {
    auto transaction = old.environment().begin_read();
    if (!transaction) return std::move(transaction).error();
    if (auto copied = copy_kept(*transaction, old.tables(), **environment); !copied) return std::move(copied).error();
  }
  auto journal = lmdb_journal::open(*environment, how_.writer_lock, false, how_.fold_events);
  if (!journal) return journal;
  auto done = catch_up(**journal, old);
  if (done) done = (*environment)->sync();
  if (done) done = catch_up(**journal, old);  // with what was appended during the long sync
  if (!done) return std::move(done).error();
  return journal;
}

result<void> lmdb_live_journal::exchange(const std::shared_ptr<lmdb_journal>& compacted, const lmdb_journal& old) {
  auto& environment = compacted->environment();
  const std::lock_guard lock{append_mutex_};
  if (auto sole = old.check_sole_writer(); !sole) return sole;
  auto followed = compacted->follow(old);
  if (!followed) return std::move(followed).error();
  auto done = compacted->take_over(old, retained_);
  if (done) done = environment.sync();
  if (!done) return done;
  environment.sync_commits(true);
  done = environment.take_place_of(old.environment());
  if (!done) return done;
  const std::lock_guard current_lock{current_mutex_};
  current_ = compacted;
  return {};
}

}  // namespace tyto

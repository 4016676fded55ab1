// Opening a storage directory: who may, whether it is ours, and in which order things come into being, so that a crash
// on the way leaves a directory that can be opened, and a refusal leaves it as it was.
#include "tyto/lmdb_store.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <filesystem>
#include <system_error>

#include "lmdb/acknowledged_position.hpp"
#include "lmdb/lmdb.hpp"
#include "lmdb/lmdb_live_journal.hpp"
#include "lmdb/lmdb_read_models.hpp"
#include "lmdb/lmdb_snapshots.hpp"
#include "lmdb/page_check.hpp"
#include "lmdb/process_limits.hpp"
#include "lmdb/storage_layout.hpp"
#include "lmdb/store_meta.hpp"
#include "lmdb/writer_lock.hpp"

namespace tyto {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t map_bytes_min = std::uint64_t{1} << 16;
constexpr std::uint64_t map_bytes_max = std::uint64_t{1} << 47;  // all the addresses that a process has

fs::path journal_directory(const lmdb_options& options) { return journal_in(options.path); }
fs::path read_models_directory(const lmdb_options& options) { return read_models_in(options.path); }

lmdb::environment_options journal_environment(const lmdb_options& options) {
  // LMDB's default syncs data, then the meta page. Of the cheaper modes only MDB_NOMETASYNC promises integrity whatever
  // the file system does: it skips the second sync, so that losing power may undo the last commit. MDB_NOSYNC keeps the
  // file whole only where writes reach the disk in order, which no common file system guarantees.
  return {journal_directory(options), options.map_bytes, journal_tables_max, options.read_only,
          options.mode == durability::relaxed};
}

lmdb::environment_options read_models_environment(const lmdb_options& options) {
  // Derived data: what is lost with the last commit is projected again.
  return {read_models_directory(options), options.map_bytes, read_models_max, options.read_only, true};
}

// What can be said without creating, locking or mapping anything.
result<void> check_files(const lmdb_options& options) {
  const auto doing = fmt::format("opening the storage in '{}'", options.path.string());
  if (options.path.empty()) return error{errc::invalid_argument, doing, "lmdb_options::path is empty"};
  if (options.map_bytes < map_bytes_min || options.map_bytes > map_bytes_max) {
    return error{errc::invalid_argument, doing,
                 fmt::format("lmdb_options::map_bytes is {}; it can be from {} to {}", options.map_bytes, map_bytes_min,
                             map_bytes_max)};
  }
  std::error_code failed;
  const auto status = fs::status(options.path, failed);
  if (status.type() == fs::file_type::none) return lmdb::to_error(failed.value(), doing);
  if (fs::exists(status) && !fs::is_directory(status)) {
    return error{errc::invalid_argument, doing, "it is not a directory"};
  }
  for (const auto& directory : {journal_directory(options), read_models_directory(options)}) {
    if (auto ours = lmdb::check_data_file(directory); !ours) return ours;
  }
  if (lmdb::has_data(journal_directory(options))) return {};
  if (lmdb::has_data(read_models_directory(options))) {
    return error{errc::damaged, doing,
                 "there are read models, but the journal is missing or empty; restore journal/ from a copy"};
  }
  if (options.read_only) {
    return error{errc::invalid_argument, doing, "there is no journal, and read_only does not create one"};
  }
  return {};
}

// Checks that the read models belong to the journal. Looks at them first: a live writer only moves the journal ahead.
result<void> check_read_models(lmdb::environment& read_models, lmdb::environment& journal,
                               const std::string& journal_id) {
  const auto refuse = [&](std::string why) {
    return error{errc::foreign, fmt::format("opening '{}'", read_models.directory().string()),
                 std::move(why) + "; delete this directory, and the read models are rebuilt from the journal"};
  };
  auto id = read_journal_id(read_models, read_models_kind);
  if (!id) return std::move(id).error();
  if (!*id) return {};
  if (**id != journal_id) return refuse("the read models were derived from another journal");
  auto checkpoint = last_checkpoint(read_models);
  if (!checkpoint) {
    const auto code = checkpoint.error().code();
    return error{code, fmt::format("opening '{}'", read_models.directory().string()),
                 code == errc::damaged ? "delete this directory, and the read models are rebuilt from the journal" : ""}
        .because(std::move(checkpoint).error());
  }
  auto head = last_position(journal);
  if (!head) return std::move(head).error();
  if (*checkpoint > *head) {
    return refuse(fmt::format("the read models are at position {}, but the journal ends at {}", *checkpoint, *head));
  }
  return {};
}

result<void> check_acknowledged(const lmdb_options& options, std::string_view held, lmdb::environment& journal,
                                std::string_view journal_id) {
  auto head = last_position(journal);
  if (!head) return std::move(head).error();
  return acknowledged_position::check(options.path, held, journal_id, *head);
}

// Looks at what is there without leaving a trace. The writer lock must be held.
result<void> inspect(const lmdb_options& options) {
  if (!lmdb::has_data(journal_directory(options))) return {};
  auto journal = lmdb::environment::inspect(journal_environment(options));
  if (!journal) return std::move(journal).error();
  auto id = read_journal_id(**journal, journal_kind);
  if (!id) return std::move(id).error();
  const auto held = acknowledged_position::read(options.path);
  if (auto kept = check_acknowledged(options, held, **journal, id->value_or("")); !kept) return kept;
  if (!lmdb::has_data(read_models_directory(options))) return {};
  auto read_models = lmdb::environment::inspect(read_models_environment(options));
  if (!read_models) return std::move(read_models).error();
  return check_read_models(**read_models, **journal, id->value_or(""));
}

result<std::shared_ptr<lmdb::environment>> open_or_create(const lmdb::environment_options& options,
                                                          std::string_view kind, std::string& journal_id) {
  std::error_code failed;
  fs::create_directory(options.directory, failed);
  // LMDB would not finish a file that another process began to create.
  if (!failed && !lmdb::has_data(options.directory)) fs::remove(options.directory / "data.mdb", failed);
  if (failed) return lmdb::to_error(failed.value(), fmt::format("creating '{}'", options.directory.string()));
  auto environment = lmdb::environment::open(options);
  if (!environment) return environment;
  auto stored = read_journal_id(**environment, kind);
  if (!stored) return std::move(stored).error();
  if (*stored) {
    journal_id = **stored;
    return environment;
  }
  if (journal_id.empty()) journal_id = new_journal_id();
  if (auto written = write_meta(**environment, kind, journal_id); !written) return std::move(written).error();
  return environment;
}

result<storage> open_environments(const lmdb_options& options, const std::shared_ptr<writer_lock>& lock) {
  std::string journal_id;
  auto journal_env = open_or_create(journal_environment(options), journal_kind, journal_id);
  if (!journal_env) return std::move(journal_env).error();
  if (auto raised = raise_format(**journal_env); !raised) return std::move(raised).error();
  auto read_models_env = open_or_create(read_models_environment(options), read_models_kind, journal_id);
  if (!read_models_env) return std::move(read_models_env).error();

  lmdb_live_journal::setup how{journal_environment(options), lock, options.fold_events};
  if (options.mode == durability::synced) {
    auto acknowledged = acknowledged_position::open(options.path, journal_id);
    if (!acknowledged) return std::move(acknowledged).error();
    how.acknowledged = *std::move(acknowledged);
  }
  auto journal = lmdb_live_journal::open(*journal_env, std::move(how));
  if (!journal) return std::move(journal).error();
  auto read_models = lmdb_read_models::open(*read_models_env, lock, false);
  if (!read_models) return std::move(read_models).error();
  auto snapshots = lmdb_snapshots::open(*read_models_env, lock, false);
  if (!snapshots) return std::move(snapshots).error();
  return storage{*journal, *read_models, *snapshots};
}

// Looks at every page if it is due, before LMDB maps the files. The writer lock must be held.
result<void> check_pages(const lmdb_options& options, const writer_lock& lock) {
  const bool in_doubt = options.check_pages == page_check::after_unclean_end && !lock.last_writer_ended_in_order();
  if (!in_doubt && options.check_pages != page_check::always) return {};
  auto sound = check_pages(journal_directory(options), storage_part::journal);
  return sound ? check_pages(read_models_directory(options), storage_part::read_models) : std::move(sound);
}

result<storage> open_for_writing(const lmdb_options& options) {
  std::error_code failed;
  fs::create_directories(options.path, failed);
  if (failed) return lmdb::to_error(failed.value(), fmt::format("creating '{}'", options.path.string()));
  auto lock = writer_lock::acquire(options.path);
  if (!lock) return std::move(lock).error();
  auto usable = check_pages(options, **lock);
  if (usable) usable = inspect(options);
  if (!usable) {
    (*lock)->undo();
    return std::move(usable).error();
  }
  if (lmdb::has_data(journal_directory(options))) {
    // What a crash left of a compaction: first of all, which of the two is the journal must last. If the other one
    // cannot be removed, the next compaction says so.
    if (auto synced = lmdb::sync_directory(options.path); !synced) return std::move(synced).error();
    std::error_code ignored;
    fs::remove_all(compacting_directory(journal_directory(options)), ignored);
  }
  auto opened = open_environments(options, *lock);
  if (opened) (*lock)->begin_writing();
  return opened;
}

result<storage> open_for_reading(const lmdb_options& options) {
  const auto held = acknowledged_position::read(options.path);
  auto journal_env = lmdb::environment::open(journal_environment(options));
  if (!journal_env) return std::move(journal_env).error();
  auto id = read_journal_id(**journal_env, journal_kind);
  if (!id) return std::move(id).error();
  if (!*id) {
    return error{errc::invalid_argument, fmt::format("opening '{}'", (*journal_env)->directory().string()),
                 "the journal is just being created: try again"};
  }
  if (auto kept = check_acknowledged(options, held, **journal_env, **id); !kept) return std::move(kept).error();
  std::shared_ptr<lmdb::environment> read_models_env;
  if (lmdb::has_data(read_models_directory(options))) {
    auto opened = lmdb::environment::open(read_models_environment(options));
    if (!opened) return std::move(opened).error();
    if (auto ours = check_read_models(**opened, **journal_env, **id); !ours) return std::move(ours).error();
    read_models_env = *std::move(opened);
  }
  auto journal = lmdb_live_journal::open(*journal_env, {journal_environment(options), nullptr, options.fold_events});
  if (!journal) return std::move(journal).error();
  auto read_models = lmdb_read_models::open(read_models_env, nullptr, true);
  if (!read_models) return std::move(read_models).error();
  auto snapshots = lmdb_snapshots::open(read_models_env, nullptr, true);
  if (!snapshots) return std::move(snapshots).error();
  return storage{*journal, *read_models, *snapshots};
}

}  // namespace

std::string_view name(durability mode) { return mode == durability::synced ? "synced" : "relaxed"; }

result<storage> open_lmdb(const lmdb_options& given) {
  const reserved_standard_descriptors not_for_files;
  if (auto plausible = check_files(given); !plausible) return std::move(plausible).error();
  auto options = given;
  std::error_code failed;
  options.path =
      fs::absolute(given.path, failed);  // files are looked for by name later on, wherever the program is then
  if (failed) return lmdb::to_error(failed.value(), fmt::format("opening the storage in '{}'", given.path.string()));
  return options.read_only ? open_for_reading(options) : open_for_writing(options);
}

result<storage_description> describe(const std::filesystem::path& directory) {
  const reserved_standard_descriptors not_for_files;
  lmdb_options options{.path = directory, .read_only = true};
  if (auto plausible = check_files(options); !plausible) return std::move(plausible).error();
  auto journal = lmdb::environment::open(journal_environment(options));
  if (!journal) return std::move(journal).error();
  auto identity = read_identity(**journal, journal_kind);
  if (!identity) return std::move(identity).error();
  const auto bytes_of = [](const fs::path& part) {
    constexpr std::uint64_t block_bytes = 512;
    struct stat status {};
    const bool is_there = ::stat((part / "data.mdb").c_str(), &status) == 0;
    return is_there ? static_cast<std::uint64_t>(status.st_blocks) * block_bytes : 0;
  };
  return storage_description{identity->journal_id,
                             identity->format,
                             identity->created,
                             writer_lock::owner(directory),
                             bytes_of(journal_directory(options)),
                             bytes_of(read_models_directory(options))};
}

result<void> backup(const storage& opened, const std::filesystem::path& directory) {
  const reserved_standard_descriptors not_for_files;
  const auto doing = fmt::format("backing up to '{}'", directory.string());
  const auto* live = dynamic_cast<const lmdb_live_journal*>(opened.journal.get());
  if (live == nullptr) return error{errc::invalid_argument, doing, "only storage in LMDB can be backed up"};
  auto journal = live->current();
  if (!journal) return std::move(journal).error();
  std::error_code failed;
  fs::create_directories(directory, failed);
  if (failed) return lmdb::to_error(failed.value(), doing);
  const bool empty = fs::is_empty(directory, failed);
  if (failed) return lmdb::to_error(failed.value(), doing);
  if (!empty) return error{errc::invalid_argument, doing, "the directory is not empty: choose another one"};
  const auto copied_journal = directory / "journal";
  fs::create_directory(copied_journal, failed);
  if (failed) return lmdb::to_error(failed.value(), doing);
  auto copied = (*journal)->environment().copy_to(copied_journal);
  if (copied) return {};
  fs::remove(copied_journal, failed);  // so that it can be tried again
  const auto& why = copied.error();
  return error{why.code(), doing, "the copy is not complete and has been removed"}.because(why);
}

result<compaction> compact(const storage& opened) {
  const reserved_standard_descriptors not_for_files;
  auto* live = dynamic_cast<lmdb_live_journal*>(opened.journal.get());
  if (live == nullptr) {
    return error{errc::invalid_argument, "compacting a journal", "only storage in LMDB can be compacted"};
  }
  return live->compact();
}

}  // namespace tyto

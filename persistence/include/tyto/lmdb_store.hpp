// Storage in LMDB: the journal and the read models, each an environment of its own in one directory. The stored form is
// described in docs/storage-format.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tyto/clock.hpp"
#include "tyto/result.hpp"
#include "tyto/storage.hpp"

namespace tyto {

enum class durability : std::uint8_t {
  synced,   // an append is done when the disk has it
  relaxed,  // the last moments may be lost when the machine loses power, never the journal's integrity
};

/// Returns the name, for example "synced".
std::string_view name(durability mode);

/// When an opening for writing looks at every page of the files before it uses them, as verify() does. LMDB has no
/// checksums for pages, and may end the process where it meets a damaged one.
enum class page_check : std::uint8_t {
  after_unclean_end,  // when the last writer was killed, or the machine stopped under it
  always,
  never,
};

struct lmdb_options {
  /// The directory; created if it is missing. Holds `journal/`, `read_models/`, `journal.head` and `writer.lock`, and
  /// `journal.compacting/` while the journal is being compacted. While it is open, its files must stay where they are:
  /// a writer whose files are deleted, moved or replaced notices it with the next append or commit, which fails with
  /// errc::io, as do all that follow; a reader fails, too. backup() still copies what was stored.
  std::filesystem::path path = {};

  /// Opens for reading only, beside a process that may be writing: appends and commits fail. The directory must exist.
  /// A user who may read the files needs write permission to `lock.mdb` in `journal/` and `read_models/` besides:
  /// readers list themselves there, or what they read would be overwritten.
  bool read_only = false;

  /// When an append counts as done. Affects behaviour.
  durability mode = durability::synced;

  /// The most bytes that the journal, and likewise the read models, can grow to. It is address space, not disk space or
  /// memory; the files are sparse and grow with what they hold. From 2^16 to 2^47, and no more than the addresses that
  /// the process has left. Affects behaviour: errc::full beyond it.
#ifdef TYTO_FEW_ADDRESSES  // tools such as valgrind leave a process no more
  std::uint64_t map_bytes = std::uint64_t{1} << 34;
#else
  std::uint64_t map_bytes = std::uint64_t{1} << 40;
#endif

  /// How many events of the journal's end are indexed in memory before they are folded into the index on disk. Affects
  /// performance: with more, the index is merged less often; but it takes memory, some 100 bytes for each of their
  /// streams, and up to twice as many events are read when opening.
  std::uint64_t fold_events = 65'536;

  /// When the pages of the files are looked at before they are opened for writing. Affects performance: it reads both
  /// files, a few hundred megabytes a second and more. The two pages with which each file begins are always looked at,
  /// also for reading; opening for reading looks at no others, see verify().
  page_check check_pages = page_check::after_unclean_end;
};

/// Opens or creates the storage in a directory. One writer at a time, in one process or several: errc::locked names who
/// has it. Any number of readers. A storage belongs to the process that opened it: whatever a forked child does with
/// its parent's fails with errc::locked; the child may open its own. An event, a row and a snapshot have less than 2
/// GiB. Fails with errc::newer_format, errc::foreign, errc::permission, errc::damaged or errc::io, saying what to do;
/// changes nothing then.
result<storage> open_lmdb(const lmdb_options& options);

/// What a storage directory says of itself.
struct storage_description {
  std::string journal_id;    // 32 hexadecimal digits, drawn when the journal was created
  std::uint32_t format = 0;  // of the stored form, see docs/storage-format.md
  timestamp created;
  std::optional<std::int64_t> writer;  // the process that has the storage open for writing, if there is one
  std::uint64_t journal_bytes = 0;     // what the files take on the disk
  std::uint64_t read_models_bytes = 0;
};

/// Returns what the storage in `directory` says of itself. Changes nothing, but leaves a lock.mdb beside the journal,
/// as every reader does; may be called beside a writer. Fails like open_lmdb() for reading.
result<storage_description> describe(const std::filesystem::path& directory);

/// Copies the journal of `opened`, as of one moment, to `directory`, while appends and reads go on. The directory must
/// be missing or empty. It then is a storage of its own, which open_lmdb() opens; read models are derived data, so they
/// are left out and rebuilt there. All of the copy is there and synced, or no journal is. To put a copy in the place of
/// a journal that is ahead of it, delete `journal.head` and `read_models/` there, too: open_lmdb() refuses it
/// otherwise.
///
/// Until it returns, the pages that appends replace cannot be used again, so the journal's file grows more than usual.
/// Fails with errc::invalid_argument if `opened` is not a storage in LMDB or the directory holds anything, and with
/// errc::full, errc::permission or errc::io when it cannot be written.
result<void> backup(const storage& opened, const std::filesystem::path& directory);

/// What a compaction has come to: how many bytes the journal took before and after, where it is stored.
struct compaction {
  std::uint64_t bytes_before = 0;
  std::uint64_t bytes_after = 0;
};

/// Gives back the space of events that were removed from the journal of `opened`, while appends and reads go on: copies
/// the others to a new file, and lets that take the old one's place in one step. Positions, sequence numbers and what
/// reads return stay as they are. Events that are removed while it runs may stay until the next compaction. Call it
/// from any thread; a second call waits for the first.
///
/// Until it returns, the journal takes the space of both files, and the old one grows by every page that appends
/// replace. Appends wait while the last events are copied and synced, as a rule as long as for one of their own, and
/// share the disk with the copy. The old file is deleted, not overwritten. Who reads it keeps its space until that read
/// ends; a storage that is open for reading only goes over to the new file with its next read.
///
/// Whatever goes wrong, also a crash, the old journal or the new one is there as a whole. Fails with
/// errc::invalid_argument if `opened` is not a storage in LMDB, errc::permission if it is open for reading only,
/// errc::damaged if the journal is, naming the event or the stream, and errc::full or errc::io, also where the file
/// system cannot exchange two directories in one step.
result<compaction> compact(const storage& opened);

/// Something that verify() has found damaged.
struct finding {
  std::filesystem::path file;
  std::string where;   // "page 17 (table events, from 120 on)", "the event at position 7 (order|1, order.created)"
  std::string what;    // what is wrong there
  std::string advice;  // what to do

  /// Returns one line.
  [[nodiscard]] std::string message() const;
};

/// What verify() has seen of one data file.
struct verified_file {
  std::filesystem::path file;
  std::uint64_t pages = 0;  // 0: there is no such file, or it does not say which pages it has
  std::uint64_t free_pages = 0;
  std::uint64_t lost_pages = 0;  // neither used nor free: nothing is missing, and a compaction gives them back
  bool has_sound_pages = true;   // if not, what the pages hold has not been looked at
};

/// What verify() has seen. Entries are counted if they are whole.
struct verification {
  verified_file journal;
  verified_file read_models;
  std::uint64_t events = 0;
  std::uint64_t index_entries = 0;
  std::uint64_t retained_streams = 0;  // streams that were closed, truncated or deleted
  std::uint64_t checkpoints = 0;       // the journal's and the read models'
  std::uint64_t snapshots = 0;
  std::vector<finding> findings;  // the first ones
  std::uint64_t findings_left_out = 0;

  [[nodiscard]] bool is_sound() const { return findings.empty(); }
};

struct verify_options {
  std::size_t max_findings = 100;                      // how many are listed, at least 1; the others are counted
  std::uint64_t map_bytes = lmdb_options{}.map_bytes;  // as large as the writer's
};

/// Reads everything that is stored in `directory` and says what is damaged. Changes nothing, but leaves a lock.mdb
/// beside each data file, as every reader does.
///
/// First it looks at the pages of both data files, with reads of its own: LMDB has no checksums for them and may end
/// the process where it meets a damaged one. If a file's pages are sound, it reads what they hold: of the journal every
/// event with its checksum, that none is missing, none at its end that was acknowledged, that decisions are whole, that
/// the index names each event of each stream and no other, what is kept of streams, and checkpoints; of the read models
/// checkpoints and snapshots. Rows have no checksum: they are derived data.
///
/// If the journal's pages are damaged, nothing is read through LMDB; the findings say which keys lie on the damaged
/// pages: of the table events these are positions. If only the read models are, delete `read_models/`.
///
/// Another process may be writing meanwhile, as may this one: each file is looked at as of one moment, which a read
/// transaction holds. As with a backup, the pages that appends replace cannot be used again before verify() returns,
/// and a writer that copies over the files, instead of appending to them, is not expected. Then a second read
/// transaction looks at what they hold: what has been appended since is read, but its pages have not been looked at.
///
/// Takes a few bits of memory for each page, some 100 bytes for each stream of the last events (as opening does), and
/// one bit for each event if the index does not fit. Fails where the directory has no journal, is of a newer format, or
/// cannot be read; damage is a finding, not a failure.
result<verification> verify(const std::filesystem::path& directory, const verify_options& options = {});

}  // namespace tyto

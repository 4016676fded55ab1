// The journal that a storage hands out: it forwards to the journal in the environment that lies in the directory now. A
// compaction puts another one there, while appends and reads go on.
#pragma once

#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "lmdb/acknowledged_position.hpp"
#include "lmdb/lmdb.hpp"
#include "lmdb/lmdb_journal.hpp"
#include "tyto/detail/owner_process.hpp"
#include "tyto/event_store.hpp"
#include "tyto/lmdb_store.hpp"

namespace tyto {

class lmdb_live_journal final : public event_store {
 public:
  /// How to open the journal again, after a compaction.
  struct setup {
    lmdb::environment_options environment;
    std::shared_ptr<const void> writer_lock;  // kept until the journal is closed
    std::uint64_t fold_events = 0;
    std::shared_ptr<acknowledged_position> acknowledged = {};  // missing where appends are not synced
  };
  static result<std::shared_ptr<lmdb_live_journal>> open(std::shared_ptr<lmdb::environment> environment, setup how);

  void append(append_batch batch, append_done done) override;
  result<stream_info> read_stream(std::string_view persistence_id, std::uint64_t from_sequence_number,
                                  const event_visitor& visitor) const override;
  result<std::uint64_t> read_all(const journal_range& range, const event_visitor& visitor) const override;
  [[nodiscard]] result<stream_info> info(std::string_view persistence_id) const override;
  [[nodiscard]] result<std::uint64_t> head() const override;
  [[nodiscard]] result<std::uint64_t> load_checkpoint(std::string_view name) const override;
  [[nodiscard]] result<std::vector<checkpoint>> checkpoints() const override;
  [[nodiscard]] result<std::uint64_t> size_bytes() const override;
  [[nodiscard]] storage_condition condition() const override;

  /// Returns the journal as it lies in the directory now. It can be read on when another one has taken its place, but
  /// does not hold what is appended then.
  [[nodiscard]] result<std::shared_ptr<lmdb_journal>> current() const;

  /// See tyto::compact(). One at a time: others wait.
  result<compaction> compact();

 private:
  lmdb_live_journal(std::shared_ptr<lmdb_journal> current, setup how)
      : how_(std::move(how)), current_(std::move(current)) {}

  [[nodiscard]] result<void> check_process() const;
  [[nodiscard]] result<std::shared_ptr<lmdb_journal>> reopen(const std::string& journal_id) const;
  [[nodiscard]] result<std::shared_ptr<lmdb_journal>> copy(const lmdb_journal& old) const;
  [[nodiscard]] result<void> exchange(const std::shared_ptr<lmdb_journal>& compacted, const lmdb_journal& old);
  void watch_retention(bool on);

  setup how_;
  detail::owner_process owner_;
  mutable std::mutex current_mutex_;
  mutable std::shared_ptr<lmdb_journal> current_;

  std::mutex compact_mutex_;
  mutable std::mutex append_mutex_;  // held by an append, and by a compaction while it comes to its end
  bool is_compacting_ = false;
  std::set<std::string> retained_;  // the streams of which what is kept may have changed since a compaction began
};

/// Returns where a compaction of the journal in `directory` writes. What is there belongs to none that is under way
/// when the storage is being opened for writing, and can be removed.
std::filesystem::path compacting_directory(const std::filesystem::path& directory);

}  // namespace tyto

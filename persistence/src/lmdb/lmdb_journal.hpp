// The journal in an LMDB environment: events appended under their positions, the index of streams beside them (see
// stream_index.hpp for what is on disk, stream_tail.hpp for what is not yet), checkpoints. The committer appends;
// aggregates and consumers read.
#pragma once

#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "lmdb/event_scan.hpp"
#include "lmdb/journal_tables.hpp"
#include "lmdb/lmdb.hpp"
#include "lmdb/stream_index.hpp"
#include "lmdb/stream_tail.hpp"
#include "tyto/event_store.hpp"

namespace tyto {

class lmdb_journal final : public event_store {
 public:
  /// Opens the journal in `environment`, whose tables exist or, if it is opened for writing, are created. `writer_lock`
  /// is kept until the journal is closed. A `read_only` journal follows what another handle or process appends.
  static result<std::shared_ptr<lmdb_journal>> open(std::shared_ptr<lmdb::environment> environment,
                                                    std::shared_ptr<const void> writer_lock, bool read_only,
                                                    std::uint64_t fold_events);

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

  /// Appends, as they are, the events of `other` that lie beyond this journal's end, and returns how many there were.
  /// This journal was copied from `other`, and nobody appends to it.
  result<std::uint64_t> follow(const lmdb_journal& other);
  /// Takes over the checkpoints of `other`, and what it keeps of `streams`.
  result<void> take_over(const lmdb_journal& other, const std::set<std::string>& streams);

  /// Fails with errc::locked if somebody else has appended.
  [[nodiscard]] result<void> check_sole_writer() const;
  /// Returns the position up to which this writer knows the journal.
  [[nodiscard]] std::uint64_t known_to() const { return tail_.indexed_to(); }

  [[nodiscard]] lmdb::environment& environment() const { return *environment_; }
  [[nodiscard]] const journal_tables& tables() const { return tables_; }

 private:
  lmdb_journal(std::shared_ptr<lmdb::environment> environment, std::shared_ptr<const void> writer_lock, bool read_only,
               std::uint64_t fold_events);

  result<append_outcomes> store(append_batch& batch);
  result<append_outcomes> store_writes(lmdb::transaction& transaction, append_batch& batch, stream_runs& added) const;
  result<void> store_write(lmdb::transaction& transaction, const index_view& index, lmdb::cursor& events,
                           stream_write& write, stream_runs& added) const;
  [[nodiscard]] error nothing_stored(const append_batch& batch, const error& why) const;
  result<void> visit_stream(const index_view& index, const stream_tail::part& tail, const stream_name& stream,
                            std::uint64_t from, const event_visitor& visitor) const;
  result<stream_info> info_in(const index_view& index, std::uint64_t version_in_tail, const stream_name& stream) const;
  // Checks what an index without checksums says of a stream's end.
  result<void> check_last(const lmdb::transaction& transaction, std::string_view persistence_id,
                          const last_event& last) const;
  // Returns the last position. Fails with errc::locked if it is not the one up to which this writer knows the journal.
  [[nodiscard]] result<std::uint64_t> continued_head(const lmdb::transaction& transaction) const;
  // Copies the stream's part of the tail and begins a transaction that fits it.
  result<lmdb::transaction> begin_stream_read(const stream_name& stream, std::uint64_t from_sequence_number,
                                              stream_tail::part& part) const;
  // Begins a transaction with an index that can be read, and brings the tail up to it.
  result<lmdb::transaction> begin_following() const;
  // Commits events that have been written after the last position, with what is due of the index.
  result<void> commit(lmdb::transaction& transaction, const stream_runs& added);
  // Appends events of another journal in one transaction; returns whether there are more.
  result<bool> follow(event_scan& others);
  // Brings the tail up to what `transaction` sees.
  result<void> catch_up(const index_view& index) const;
  result<void> index_event(const index_view& index, std::uint64_t position, std::string_view bytes,
                           metadata& scratch) const;

  // Kept first, given up last: nobody else may write before the environment is closed.
  std::shared_ptr<const void> writer_lock_;
  std::shared_ptr<lmdb::environment> environment_;
  mutable journal_tables tables_;  // those of runs may come later, while follow_mutex_ is held
  bool read_only_;
  std::uint64_t fold_events_;
  mutable stream_index index_;
  mutable stream_tail tail_;
  mutable std::mutex follow_mutex_;  // a reader's tail never goes back: one at a time begins and catches up
};

}  // namespace tyto

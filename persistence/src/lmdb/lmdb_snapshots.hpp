// Snapshots in LMDB, beside the read models, which are derived from the journal like them. The runtime's snapshot
// writer saves, recovering aggregates load.
#pragma once

#include <memory>

#include "lmdb/lmdb.hpp"
#include "tyto/snapshot_store.hpp"

namespace tyto {

class lmdb_snapshots final : public snapshot_store {
 public:
  /// Opens the snapshots in the `environment` of the read models. Without one, which only a reader may find, or without
  /// the table there are none. `writer_lock` is kept until the store is closed.
  static result<std::shared_ptr<lmdb_snapshots>> open(std::shared_ptr<lmdb::environment> environment,
                                                      std::shared_ptr<const void> writer_lock, bool read_only);

  result<void> save(const std::vector<snapshot>& snapshots) override;
  result<void> load(std::string_view persistence_id, const snapshot_visitor& visitor) const override;
  result<void> erase(std::string_view persistence_id) override;

 private:
  lmdb_snapshots(std::shared_ptr<lmdb::environment> environment, std::shared_ptr<const void> writer_lock,
                 bool read_only)
      : writer_lock_(std::move(writer_lock)), environment_(std::move(environment)), read_only_(read_only) {}

  result<void> save(lmdb::transaction& transaction, const snapshot& saved);
  // Drops the stream's snapshots but for the latest `keep`. Returns LMDB's code.
  int drop(lmdb::transaction& transaction, std::string_view persistence_id, std::size_t keep) const;

  std::shared_ptr<const void> writer_lock_;
  std::shared_ptr<lmdb::environment> environment_;
  bool read_only_;
  bool exists_ = false;  // the table
  lmdb::table table_ = 0;
};

/// Returns the image in what is `stored` of the stream under the number. Fails with errc::damaged.
result<std::string_view> snapshot_image(std::string_view stored, std::string_view persistence_id,
                                        std::uint64_t sequence_number);

}  // namespace tyto

// Read models in an LMDB environment of their own: a table of rows for each, and the table of their checkpoints.
// Projections commit, queries take snapshots.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lmdb/lmdb.hpp"
#include "tyto/read_model_store.hpp"

namespace tyto {

class lmdb_read_models final : public read_model_store {
 public:
  /// Opens the read models in `environment`. Without one, which only a reader may find, all of them are empty.
  /// `writer_lock` is kept until the store is closed.
  static result<std::shared_ptr<lmdb_read_models>> open(std::shared_ptr<lmdb::environment> environment,
                                                        std::shared_ptr<const void> writer_lock, bool read_only);

  [[nodiscard]] result<std::unique_ptr<row_snapshot>> snapshot(std::string_view name) const override;
  result<void> commit(std::string_view name, const row_changes& changes, const row_checkpoint& checkpoint) override;
  result<void> clear(std::string_view name) override;
  [[nodiscard]] result<std::vector<checkpoint>> checkpoints() const override;
  result<void> sync() override;
  [[nodiscard]] storage_condition condition() const override;

 private:
  lmdb_read_models(std::shared_ptr<lmdb::environment> environment, std::shared_ptr<const void> writer_lock,
                   bool read_only)
      : writer_lock_(std::move(writer_lock)), environment_(std::move(environment)), read_only_(read_only) {}

  // What was found in a transaction. Others of the same number find the same.
  struct seen_checkpoint {
    std::uint64_t transaction = 0;
    row_checkpoint checkpoint;
  };
  // A read model that has been committed. Its tables stay what they are, also when it is cleared.
  struct model {
    lmdb::table rows = 0;
    lmdb::table checkpoints = 0;
    std::shared_ptr<const seen_checkpoint> last_seen;
  };

  // Returns the table, or 0 if there is none and none shall be created.
  result<lmdb::table> open_table(const std::string& name, bool create) const;
  // Returns the read model, or nothing if there is none and none shall be created.
  result<std::optional<model>> model_of(std::string_view name, bool create) const;
  result<std::shared_ptr<const row_checkpoint>> checkpoint_of(std::string_view name, const model& of,
                                                              const lmdb::transaction& transaction) const;

  std::shared_ptr<const void> writer_lock_;
  std::shared_ptr<lmdb::environment> environment_;
  bool read_only_;
  mutable std::mutex mutex_;  // guards models_
  mutable std::map<std::string, model, std::less<>> models_;
};

/// Returns what is stored as the checkpoint of the read model `name`. Fails with errc::damaged.
result<row_checkpoint> row_checkpoint_in(std::string_view name, std::string_view sealed_value);

/// Returns the largest position to which a read model has been brought; 0 if there is none.
result<std::uint64_t> last_checkpoint(lmdb::environment& read_models);

}  // namespace tyto

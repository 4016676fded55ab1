// Read models that fail when the test says so, and that forget what losing power may undo. Everything else goes through
// to the ones in memory behind them.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tyto/memory_store.hpp"
#include "tyto/read_model_store.hpp"

namespace tyto::test {

class forgetful_rows final : public read_model_store {
 public:
  /// The next commit fails with `why`, and changes nothing.
  void fail_next_commit(error why) {
    const std::lock_guard lock{mutex_};
    fail_commit_ = std::move(why);
  }
  /// The next sync fails with `why`.
  void fail_next_sync(error why) {
    const std::lock_guard lock{mutex_};
    fail_sync_ = std::move(why);
  }

  /// Undoes the last commit, unless a sync came after it.
  void lose_power() {
    const std::lock_guard lock{mutex_};
    if (!is_last_safe_) commits_.pop_back();
    is_last_safe_ = true;
    rows_ = open_memory().read_models;
    for (const auto& each : commits_) rows_->commit(each.name, each.changes, each.checkpoint).value();
  }

  [[nodiscard]] result<std::unique_ptr<row_snapshot>> snapshot(std::string_view name) const override {
    const std::lock_guard lock{mutex_};
    return rows_->snapshot(name);
  }

  result<void> commit(std::string_view name, const row_changes& changes, const row_checkpoint& checkpoint) override {
    const std::lock_guard lock{mutex_};
    if (auto why = std::exchange(fail_commit_, std::nullopt)) return *std::move(why);
    commits_.push_back({std::string{name}, changes, checkpoint});
    is_last_safe_ = false;
    return rows_->commit(name, changes, checkpoint);
  }

  result<void> clear(std::string_view name) override {
    const std::lock_guard lock{mutex_};
    std::erase_if(commits_, [name](const auto& each) { return each.name == name; });
    return rows_->clear(name);
  }

  [[nodiscard]] result<std::vector<checkpoint>> checkpoints() const override {
    const std::lock_guard lock{mutex_};
    return rows_->checkpoints();
  }

  result<void> sync() override {
    const std::lock_guard lock{mutex_};
    if (auto why = std::exchange(fail_sync_, std::nullopt)) return *std::move(why);
    is_last_safe_ = true;
    return {};
  }

  [[nodiscard]] storage_condition condition() const override {
    const std::lock_guard lock{mutex_};
    return rows_->condition();
  }

 private:
  struct commit_made {
    std::string name;
    row_changes changes;
    row_checkpoint checkpoint;
  };

  mutable std::mutex mutex_;  // guards all below
  std::shared_ptr<read_model_store> rows_ = open_memory().read_models;
  std::vector<commit_made> commits_;
  bool is_last_safe_ = true;
  std::optional<error> fail_commit_;
  std::optional<error> fail_sync_;
};

}  // namespace tyto::test

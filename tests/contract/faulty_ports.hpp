// Storage behind hooks: each call goes to the storage behind it, unless a hook does something else.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tyto/storage.hpp"

namespace tyto::test {

/// What is wrong with a storage. Each hook gets the port behind it and the arguments of the call.
struct port_faults {
  using append_done = event_store::append_done;

  std::function<void(event_store&, append_batch, append_done)> append = {};
  std::function<result<stream_info>(const event_store&, std::string_view, std::uint64_t, const event_visitor&)>
      read_stream = {};
  std::function<result<std::uint64_t>(const event_store&, const journal_range&, const event_visitor&)> read_all = {};
  std::function<void(metadata&, std::string&)> show = {};  // changes each event that is visited
  std::function<result<stream_info>(const event_store&, std::string_view)> info = {};
  std::function<result<std::uint64_t>(const event_store&)> head = {};
  std::function<result<std::uint64_t>(const event_store&, std::string_view)> load_checkpoint = {};
  std::function<result<std::vector<checkpoint>>(const event_store&)> checkpoints = {};
  std::function<result<std::uint64_t>(const event_store&)> size_bytes = {};
  std::function<storage_condition()> condition = {};

  std::function<result<std::unique_ptr<row_snapshot>>(read_model_store&, std::string_view)> snapshot = {};
  std::function<result<void>(read_model_store&, std::string_view, const row_changes&, const row_checkpoint&)> commit =
      {};
  std::function<result<void>(read_model_store&, std::string_view)> clear = {};
  std::function<result<std::vector<checkpoint>>(const read_model_store&)> models = {};
  std::function<result<void>(read_model_store&)> sync = {};
  std::function<result<bool>(const row_reader&, std::string_view, const value_visitor&)> look_up = {};
  std::function<result<void>(const row_reader&, std::string_view, const row_visitor&)> scan = {};
  std::function<result<void>(const row_reader&, std::string_view, const row_visitor&)> scan_back = {};

  std::function<result<void>(snapshot_store&, const std::vector<tyto::snapshot>&)> save = {};
  std::function<result<void>(const snapshot_store&, std::string_view, const snapshot_visitor&)> load = {};
  std::function<result<void>(snapshot_store&, std::string_view)> erase = {};
};

class faulty_journal final : public event_store {
 public:
  faulty_journal(std::shared_ptr<event_store> behind, std::shared_ptr<const port_faults> faults)
      : behind_(std::move(behind)), faults_(std::move(faults)) {}

  void append(append_batch batch, append_done done) override {
    if (faults_->append) return faults_->append(*behind_, std::move(batch), std::move(done));
    behind_->append(std::move(batch), std::move(done));
  }
  result<stream_info> read_stream(std::string_view id, std::uint64_t from,
                                  const event_visitor& visitor) const override {
    const auto shown = changed(visitor);
    return faults_->read_stream ? faults_->read_stream(*behind_, id, from, shown)
                                : behind_->read_stream(id, from, shown);
  }
  result<std::uint64_t> read_all(const journal_range& range, const event_visitor& visitor) const override {
    const auto shown = changed(visitor);
    return faults_->read_all ? faults_->read_all(*behind_, range, shown) : behind_->read_all(range, shown);
  }
  [[nodiscard]] result<stream_info> info(std::string_view id) const override {
    return faults_->info ? faults_->info(*behind_, id) : behind_->info(id);
  }
  [[nodiscard]] result<std::uint64_t> head() const override {
    return faults_->head ? faults_->head(*behind_) : behind_->head();
  }
  [[nodiscard]] result<std::uint64_t> load_checkpoint(std::string_view name) const override {
    return faults_->load_checkpoint ? faults_->load_checkpoint(*behind_, name) : behind_->load_checkpoint(name);
  }
  [[nodiscard]] result<std::vector<checkpoint>> checkpoints() const override {
    return faults_->checkpoints ? faults_->checkpoints(*behind_) : behind_->checkpoints();
  }
  [[nodiscard]] result<std::uint64_t> size_bytes() const override {
    return faults_->size_bytes ? faults_->size_bytes(*behind_) : behind_->size_bytes();
  }
  [[nodiscard]] storage_condition condition() const override {
    return faults_->condition ? faults_->condition() : behind_->condition();
  }

 private:
  [[nodiscard]] event_visitor changed(const event_visitor& visitor) const {
    if (!faults_->show) return visitor;
    return [this, visitor](const event_view& event) {
      auto meta = event.meta;
      std::string payload{event.payload};
      faults_->show(meta, payload);
      return visitor({meta, payload});
    };
  }

  std::shared_ptr<event_store> behind_;
  std::shared_ptr<const port_faults> faults_;
};

class faulty_row_snapshot final : public row_snapshot {
 public:
  faulty_row_snapshot(std::unique_ptr<row_snapshot> behind, std::shared_ptr<const port_faults> faults)
      : behind_(std::move(behind)), faults_(std::move(faults)) {}

  [[nodiscard]] result<std::optional<std::string>> get(std::string_view key) const override {
    return behind_->get(key);
  }
  result<bool> look_up(std::string_view key, const value_visitor& see) const override {
    return faults_->look_up ? faults_->look_up(*behind_, key, see) : behind_->look_up(key, see);
  }
  result<void> scan(std::string_view from, const row_visitor& visitor) const override {
    return faults_->scan ? faults_->scan(*behind_, from, visitor) : behind_->scan(from, visitor);
  }
  result<void> scan_back(std::string_view before, const row_visitor& visitor) const override {
    return faults_->scan_back ? faults_->scan_back(*behind_, before, visitor) : behind_->scan_back(before, visitor);
  }
  [[nodiscard]] result<std::uint64_t> count() const override { return behind_->count(); }
  [[nodiscard]] const row_checkpoint& checkpoint() const override { return behind_->checkpoint(); }

 private:
  std::unique_ptr<row_snapshot> behind_;
  std::shared_ptr<const port_faults> faults_;
};

class faulty_read_models final : public read_model_store {
 public:
  faulty_read_models(std::shared_ptr<read_model_store> behind, std::shared_ptr<const port_faults> faults)
      : behind_(std::move(behind)), faults_(std::move(faults)) {}

  [[nodiscard]] result<std::unique_ptr<row_snapshot>> snapshot(std::string_view name) const override {
    auto found = faults_->snapshot ? faults_->snapshot(*behind_, name) : behind_->snapshot(name);
    if (!found || *found == nullptr) return found;
    return std::unique_ptr<row_snapshot>{std::make_unique<faulty_row_snapshot>(*std::move(found), faults_)};
  }
  result<void> commit(std::string_view name, const row_changes& changes, const row_checkpoint& checkpoint) override {
    return faults_->commit ? faults_->commit(*behind_, name, changes, checkpoint)
                           : behind_->commit(name, changes, checkpoint);
  }
  result<void> clear(std::string_view name) override {
    return faults_->clear ? faults_->clear(*behind_, name) : behind_->clear(name);
  }
  [[nodiscard]] result<std::vector<checkpoint>> checkpoints() const override {
    return faults_->models ? faults_->models(*behind_) : behind_->checkpoints();
  }
  result<void> sync() override { return faults_->sync ? faults_->sync(*behind_) : behind_->sync(); }

 private:
  std::shared_ptr<read_model_store> behind_;
  std::shared_ptr<const port_faults> faults_;
};

class faulty_snapshots final : public snapshot_store {
 public:
  faulty_snapshots(std::shared_ptr<snapshot_store> behind, std::shared_ptr<const port_faults> faults)
      : behind_(std::move(behind)), faults_(std::move(faults)) {}

  result<void> save(const std::vector<tyto::snapshot>& snapshots) override {
    return faults_->save ? faults_->save(*behind_, snapshots) : behind_->save(snapshots);
  }
  result<void> load(std::string_view id, const snapshot_visitor& visitor) const override {
    return faults_->load ? faults_->load(*behind_, id, visitor) : behind_->load(id, visitor);
  }
  result<void> erase(std::string_view id) override {
    return faults_->erase ? faults_->erase(*behind_, id) : behind_->erase(id);
  }

 private:
  std::shared_ptr<snapshot_store> behind_;
  std::shared_ptr<const port_faults> faults_;
};

inline storage with_faults(const storage& behind, port_faults what) {
  const auto faults = std::make_shared<const port_faults>(std::move(what));
  return {std::make_shared<faulty_journal>(behind.journal, faults),
          std::make_shared<faulty_read_models>(behind.read_models, faults),
          std::make_shared<faulty_snapshots>(behind.snapshots, faults)};
}

}  // namespace tyto::test

// A journal that does what the test says: holds appends back, or fails the next ones. Everything else goes through to
// the journal behind it.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tyto/event_store.hpp"

namespace tyto::test {

class scripted_store final : public event_store {
 public:
  explicit scripted_store(std::shared_ptr<event_store> behind) : behind_(std::move(behind)) {}

  /// From now on appends wait for release().
  void hold() { holding_ = true; }
  /// Lets the appends that were held back happen, and those that follow.
  void release() {
    holding_ = false;
    for (auto& [batch, done] : std::exchange(held_, {})) append(std::move(batch), std::move(done));
  }
  /// Lets the first append that is held back happen; those behind it and those that follow wait on.
  void release_one() {
    auto [batch, done] = std::move(held_.front());
    held_.pop_front();
    holding_ = false;
    append(std::move(batch), std::move(done));
    holding_ = true;
  }
  /// The next append fails with `why`.
  void fail_next_append(error why) { fail_append_ = std::move(why); }
  /// The next `times` appends that write to the stream `id` fail with `why`.
  void fail_appends_to(std::string id, error why, int times) {
    const std::lock_guard lock{mutex_};
    fail_stream_ = {std::move(id), std::move(why), times};
  }
  /// Reads of streams fail with `why` until this is called with nothing.
  void fail_reads(std::optional<error> why) { fail_reads_ = std::move(why); }
  /// Reads of the stream `id` fail with `why` until this is called with nothing.
  void fail_reads_of(std::string id, std::optional<error> why) { fail_reads_of_ = {std::move(id), std::move(why)}; }
  /// Calls `seen` with every event that is read from a stream.
  void watch_reads(std::function<void(const event_view&)> seen) { watch_ = std::move(seen); }
  /// How many writes each append brought, the failed ones included.
  [[nodiscard]] const std::vector<std::size_t>& batch_sizes() const { return batch_sizes_; }

  void append(append_batch batch, append_done done) override {
    if (holding_) return held_.emplace_back(std::move(batch), std::move(done)), void();
    if (auto why = failure_of(batch)) return done(*std::move(why));
    batch_sizes_.push_back(batch.writes.size());
    if (auto why = std::exchange(fail_append_, std::nullopt)) return done(*std::move(why));
    behind_->append(std::move(batch), std::move(done));
  }
  result<stream_info> read_stream(std::string_view id, std::uint64_t from,
                                  const event_visitor& visitor) const override {
    if (fail_reads_) return *fail_reads_;
    if (id == fail_reads_of_.first && fail_reads_of_.second) return *fail_reads_of_.second;
    return behind_->read_stream(id, from, [&](const event_view& event) {
      if (watch_) watch_(event);
      return visitor(event);
    });
  }
  result<std::uint64_t> read_all(const journal_range& range, const event_visitor& visitor) const override {
    if (fail_reads_) return *fail_reads_;
    return behind_->read_all(range, visitor);
  }
  [[nodiscard]] result<stream_info> info(std::string_view id) const override { return behind_->info(id); }
  [[nodiscard]] result<std::uint64_t> head() const override { return behind_->head(); }
  [[nodiscard]] result<std::uint64_t> load_checkpoint(std::string_view name) const override {
    return behind_->load_checkpoint(name);
  }
  [[nodiscard]] result<std::vector<checkpoint>> checkpoints() const override { return behind_->checkpoints(); }
  [[nodiscard]] result<std::uint64_t> size_bytes() const override { return behind_->size_bytes(); }
  [[nodiscard]] storage_condition condition() const override { return behind_->condition(); }

 private:
  std::optional<error> failure_of(const append_batch& batch) {
    const std::lock_guard lock{mutex_};
    for (const auto& write : batch.writes) {
      if (fail_stream_.times > 0 && write->persistence_id == fail_stream_.id) {
        --fail_stream_.times;
        return fail_stream_.why;
      }
    }
    return std::nullopt;
  }

  struct stream_failure {
    std::string id;
    error why{errc::io, {}};
    int times = 0;
  };
  std::mutex mutex_;  // guards fail_stream_, which a test may set while another thread appends
  stream_failure fail_stream_;
  std::shared_ptr<event_store> behind_;
  bool holding_ = false;
  std::deque<std::pair<append_batch, append_done>> held_;
  std::optional<error> fail_append_;
  std::optional<error> fail_reads_;
  std::pair<std::string, std::optional<error>> fail_reads_of_;
  std::function<void(const event_view&)> watch_;
  std::vector<std::size_t> batch_sizes_;
};

}  // namespace tyto::test

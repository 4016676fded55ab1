// A journal that takes the time of another one's appends.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "tyto/event_store.hpp"

namespace bench {

class stamping_journal final : public tyto::event_store {
 public:
  using clock = std::chrono::steady_clock;

  explicit stamping_journal(std::shared_ptr<tyto::event_store> inner) : inner_(std::move(inner)) {}

  /// Returns when the last append was durable.
  [[nodiscard]] clock::time_point durable_at() const { return durable_at_; }
  /// Returns how long the longest append has taken since the last call, in milliseconds.
  [[nodiscard]] double take_longest_ms() {
    return std::chrono::duration<double, std::milli>(longest_.exchange(clock::duration::zero())).count();
  }

  void append(tyto::append_batch batch, append_done done) override {
    inner_->append(std::move(batch), [this, begin = clock::now(), done = std::move(done)](auto outcome) {
      const auto now = clock::now();
      durable_at_ = now;
      longest_ = std::max(longest_.load(), now - begin);
      done(std::move(outcome));
    });
  }
  tyto::result<tyto::stream_info> read_stream(std::string_view id, std::uint64_t from,
                                              const tyto::event_visitor& visitor) const override {
    return inner_->read_stream(id, from, visitor);
  }
  tyto::result<std::uint64_t> read_all(const tyto::journal_range& range,
                                       const tyto::event_visitor& visitor) const override {
    return inner_->read_all(range, visitor);
  }
  [[nodiscard]] tyto::result<tyto::stream_info> info(std::string_view id) const override { return inner_->info(id); }
  [[nodiscard]] tyto::result<std::uint64_t> head() const override { return inner_->head(); }
  [[nodiscard]] tyto::result<std::vector<tyto::checkpoint>> checkpoints() const override {
    return inner_->checkpoints();
  }
  [[nodiscard]] tyto::result<std::uint64_t> load_checkpoint(std::string_view name) const override {
    return inner_->load_checkpoint(name);
  }
  [[nodiscard]] tyto::result<std::uint64_t> size_bytes() const override { return inner_->size_bytes(); }

 private:
  const std::shared_ptr<tyto::event_store> inner_;
  std::atomic<clock::time_point> durable_at_;
  std::atomic<clock::duration> longest_ = clock::duration::zero();
};

}  // namespace bench

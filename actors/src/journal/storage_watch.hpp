// Looks at the storage from time to time for what no call may tell: files that are gone, readers that keep it growing.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "actor/host.hpp"
#include "health_board.hpp"
#include "tyto/storage_condition.hpp"

namespace tyto::detail {

/// To the storage watch: look.
struct look_at_storage {};

using storage_watch_message = look_at_storage;

/// A part of the storage, and how to look at it.
struct watched_storage {
  std::string name;  // "journal"
  std::function<storage_condition()> condition;
};

class storage_watch final : public actor_of<storage_watch_message> {
 public:
  static constexpr std::chrono::milliseconds interval = std::chrono::seconds{5};
  /// What a reader may hold before it is reported.
  static constexpr std::uint64_t held_bytes_max = std::uint64_t{64} << 20;

  storage_watch(host& runs_on, health_board& health, std::function<void(std::string_view)> log, std::int64_t process,
                std::vector<watched_storage> all)
      : host_(runs_on), health_(health), log_(std::move(log)), process_(process), all_(std::move(all)) {
    reported_.resize(all_.size());
  }

 protected:
  void on(storage_watch_message&&) override {
    for (std::size_t i = 0; i < all_.size(); ++i) look_at(all_[i], reported_[i]);
    post_after(host_, interval, self(), look_at_storage{});
  }

 private:
  struct reports {
    bool files = false;
    bool reader = false;
  };

  void look_at(const watched_storage& part, reports& reported) {
    const auto now = part.condition();
    show("files of the " + part.name, now.files, reported.files);
    const bool lags = now.slowest_reader && now.slowest_reader->bytes_held >= held_bytes_max;
    show("readers of the " + part.name, lags ? lag_of(part.name, *now.slowest_reader) : result<void>{},
         reported.reader);
  }

  void show(const std::string& subject, const result<void>& found, bool& reported) {
    if (!found) {
      if (!reported) log_(subject + ": " + found.error().message());
      health_.report(subject, found.error());
    } else if (reported) {
      health_.clear(subject);
    }
    reported = !found;
  }

  [[nodiscard]] error lag_of(const std::string& name, const lagging_reader& reader) const {
    constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20;
    const bool is_ours = reader.process == process_;
    return {errc::timeout, "reading the " + name,
            (is_ours ? "this process (" : "process ") + std::to_string(reader.process) + (is_ours ? ")" : "") +
                " has been reading at one place for " + std::to_string(reader.commits_behind) +
                " commits, and so keeps at least " + std::to_string(reader.bytes_held / mebibyte) +
                " MiB from being used again: end that read, or the process"};
  }

  host& host_;
  health_board& health_;
  const std::function<void(std::string_view)> log_;
  const std::int64_t process_;
  const std::vector<watched_storage> all_;
  std::vector<reports> reported_;
};

}  // namespace tyto::detail

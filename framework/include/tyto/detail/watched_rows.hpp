// Finds out whether one piece of work on rows would have seen what another one changes.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "tyto/read_model_store.hpp"

namespace tyto::detail {

// Rows that note what was looked at. Used by one thread at a time, and no longer than the rows live.
class watched_rows final : public row_reader {
 public:
  explicit watched_rows(const row_reader& rows) : rows_(rows) {}

  [[nodiscard]] result<std::optional<std::string>> get(std::string_view key) const override {
    keys_.emplace(key);
    return rows_.get(key);
  }
  result<bool> look_up(std::string_view key, const value_visitor& see) const override {
    keys_.emplace(key);
    return rows_.look_up(key, see);
  }
  result<void> scan(std::string_view from, const row_visitor& visitor) const override {
    saw_all_ = true;
    return rows_.scan(from, visitor);
  }
  result<void> scan_back(std::string_view before, const row_visitor& visitor) const override {
    saw_all_ = true;
    return rows_.scan_back(before, visitor);
  }
  [[nodiscard]] result<std::uint64_t> count() const override {
    saw_all_ = true;
    return rows_.count();
  }

  [[nodiscard]] const std::string& shape() const override { return rows_.shape(); }

  /// The keys of the rows that were asked for, whether they are there or not.
  [[nodiscard]] const std::set<std::string, std::less<>>& keys() const { return keys_; }
  /// More than one row at a time: any row may have mattered.
  [[nodiscard]] bool saw_all() const { return saw_all_; }

 private:
  const row_reader& rows_;
  mutable std::set<std::string, std::less<>> keys_;
  mutable bool saw_all_ = false;
};

}  // namespace tyto::detail

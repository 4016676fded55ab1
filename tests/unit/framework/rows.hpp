// Rows in a map, for tests of what reads and buffers rows; fails when told to.
#pragma once

#include <iterator>
#include <map>
#include <string>

#include "tyto/read_model_store.hpp"

class fake_rows final : public tyto::row_reader {
 public:
  std::map<std::string, std::string, std::less<>> rows;
  std::string stored_shape;
  bool fails = false;

  [[nodiscard]] tyto::result<std::optional<std::string>> get(std::string_view key) const override {
    if (fails) return failure();
    const auto found = rows.find(key);
    return found == rows.end() ? std::nullopt : std::optional{found->second};
  }

  tyto::result<void> scan(std::string_view from, const tyto::row_visitor& visitor) const override {
    if (fails) return failure();
    for (auto row = rows.lower_bound(from); row != rows.end(); ++row) {
      ++visited;
      if (visitor(row->first, row->second) == tyto::visit::stop) break;
    }
    return {};
  }

  tyto::result<void> scan_back(std::string_view before, const tyto::row_visitor& visitor) const override {
    if (fails) return failure();
    const auto end = before.empty() ? rows.end() : rows.lower_bound(before);
    for (auto row = std::make_reverse_iterator(end); row != rows.rend(); ++row) {
      ++visited;
      if (visitor(row->first, row->second) == tyto::visit::stop) break;
    }
    return {};
  }

  [[nodiscard]] tyto::result<std::uint64_t> count() const override {
    if (fails) return failure();
    return std::uint64_t{rows.size()};
  }

  [[nodiscard]] const std::string& shape() const override { return stored_shape; }

  mutable int visited = 0;

 private:
  static tyto::error failure() { return {tyto::errc::io, "reading rows", "the disk is gone"}; }
};

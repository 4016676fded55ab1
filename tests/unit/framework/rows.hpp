// Rows in a map, for tests of what reads and buffers rows; fails when told to.
#pragma once

#include <map>
#include <string>

#include "tyto/read_model_store.hpp"

class fake_rows final : public tyto::row_reader {
 public:
  std::map<std::string, std::string, std::less<>> rows;
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

  mutable int visited = 0;

 private:
  static tyto::error failure() { return {tyto::errc::io, "reading rows", "the disk is gone"}; }
};

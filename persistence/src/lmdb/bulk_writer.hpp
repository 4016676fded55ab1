// Fills an environment in transactions of bounded size, so that neither memory nor LMDB's list of changed pages grows
// with what is written.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "lmdb/lmdb.hpp"
#include "tyto/result.hpp"

namespace tyto {

/// What one transaction holds at most.
inline constexpr std::uint64_t bulk_entries = 10'000;
inline constexpr std::uint64_t bulk_bytes = std::uint64_t{32} << 20;

class bulk_writer {
 public:
  explicit bulk_writer(lmdb::environment& into) : into_(into) {}

  /// Adds an entry; its key lies behind all others of the table.
  result<void> append(lmdb::table table, std::string_view key, std::string_view value);
  /// Commits what is left.
  result<void> finish();

 private:
  lmdb::environment& into_;
  std::optional<lmdb::transaction> transaction_;
  std::uint64_t entries_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace tyto

// Which events a statement wants, as far as that can be told before any is read.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "tyto/clock.hpp"
#include "tyto/event_filter.hpp"
#include "tyto/metadata.hpp"
#include "virtual_table.hpp"

namespace tyto::sql {

/// Events that may be wanted: all that are, and maybe others, which SQLite sorts out.
struct event_bounds {
  std::uint64_t first = 1;  // positions
  std::uint64_t last = std::numeric_limits<std::int64_t>::max();
  std::int64_t first_us = std::numeric_limits<std::int64_t>::min();  // times
  std::int64_t last_us = std::numeric_limits<std::int64_t>::max();
  std::optional<std::string> stream = {};
  event_filter only = {};
  bool is_empty = false;  // none is wanted

  /// Returns whether an event that lies in `only` may be wanted.
  [[nodiscard]] bool take(const metadata& meta) const;

  // Leave those out that `given`, a comparison of that column, does not take.
  void narrow_position(const constraint& given);
  void narrow_time_us(const constraint& given);
  void narrow_time(const constraint& given);
  void narrow_stream(const constraint& given);
  void narrow_types(const constraint& given);
  void narrow_categories(const constraint& given);
};

}  // namespace tyto::sql

// Builds the rows of a projection in each of the ways in which a runtime may do it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tyto/consumer.hpp"
#include "tyto/event.hpp"
#include "tyto/read_model_store.hpp"

namespace tyto::detail {

/// Rows, and in words how they were built.
struct built_rows {
  std::string how;
  std::shared_ptr<const row_reader> rows;
};

/// Returns the rows that `events` lead to: first those of all events at once, then those that must be the same: of the
/// same events again, of events in batches of several sizes, and where the projection has partitions of batches shared
/// by these. What a handler throws comes through.
std::vector<built_rows> build_rows(const projection_definition& definition, const std::vector<recorded_event>& events);

/// Whether the same bytes are stored under the same keys.
bool are_same_rows(const row_reader& one, const row_reader& other);

}  // namespace tyto::detail

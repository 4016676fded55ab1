// The rows of one projection before and after.
#pragma once

#include <cstddef>

#include "tyto/consumer.hpp"
#include "tyto/read_model_store.hpp"
#include "tyto/testing/rehearsal.hpp"

namespace tyto::testing {

/// Compares the rows of `projection` and adds what differs to `summary`.
result<void> compare_rows(const projection_definition& projection, const row_reader& before, const row_reader& after,
                          std::size_t most_listed, read_model_summary& summary);

}  // namespace tyto::testing

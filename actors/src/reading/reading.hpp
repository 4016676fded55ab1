// How a question gets to the rows of a projection: to the version of it that answers now, when that is far enough; and
// how several are read as of one position. Used by the threads of those who ask.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "consumer/progress.hpp"
#include "tyto/question.hpp"
#include "tyto/read_model_store.hpp"

namespace tyto::detail {

/// One version of a projection, and how it is asked.
struct version {
  std::shared_ptr<progress> shown;
  query_call call;
};

/// All versions of a projection that the runtime keeps, the newest first.
using versions = std::vector<version>;

/// Returns the version that answers now, or nullptr if none does.
const version* answering(const versions& asked);

/// Reads the rows of `asked` as they are now.
result<void> ask_now(const read_model_store& rows, const version& asked);

/// Waits until `asked` is done with the event at `at_least` and reads its rows; errc::timeout says how far it is.
result<void> ask(const read_model_store& rows, const versions& asked, std::uint64_t at_least,
                 std::chrono::steady_clock::time_point limit);

/// The same for several projections: all rows are as of one position, `at_least` or later. Those that are behind the
/// furthest stop over where that one was looked at; errc::timeout says which does not come.
result<void> ask_together(const read_model_store& rows, const std::vector<versions>& asked, std::uint64_t at_least,
                          std::chrono::steady_clock::time_point limit);

}  // namespace tyto::detail

// Reads what the read models' file holds, as one transaction sees it, and says what is damaged. Rows have no checksum
// and are not looked at: whatever they hold is derived from the journal.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "lmdb/finding_list.hpp"
#include "lmdb/lmdb.hpp"
#include "tyto/result.hpp"

namespace tyto {

/// Adds to `found` what is damaged, and to its report how much there is. `head` returns the journal's last position, or
/// the largest number if that is not known; it is asked once the read models can no longer move ahead of it. Fails if
/// LMDB does, or `head`.
result<void> check_read_models(lmdb::environment& environment, const std::function<result<std::uint64_t>()>& head,
                               finding_list& found);

}  // namespace tyto

// Questions in SQL over the tables of tools/sql, for the command and for agents.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tyto/result.hpp"
#include "tyto/storage.hpp"
#include "tyto/visit.hpp"

namespace tyto::tool {

struct sql_limits {
  std::uint64_t rows = 0;        // 0: as many as there are
  std::chrono::seconds time{0};  // 0: as long as it takes
};

/// Asks one statement, which can only read, and calls `see` with one object a row, keyed by column. Fails with
/// errc::invalid_argument where the SQL is wrong, errc::timeout.
result<void> query_rows(const storage& opened, const std::string& query, const sql_limits& limits,
                        const std::function<visit(nlohmann::ordered_json)>& see);

}  // namespace tyto::tool

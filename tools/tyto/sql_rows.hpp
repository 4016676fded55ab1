// Questions in SQL over the tables of tools/sql, for the command and for agents: rows as JSON objects.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "sql_query.hpp"
#include "tyto/storage.hpp"

namespace tyto::tool {

/// Asks one statement, which can only read, of the tables of `opened`, and calls `see` with the columns and one object
/// a row, keyed by column; of columns with one name the last one counts. Bytes are shown in hexadecimal digits.
result<sql::query_outcome> query_rows(
    const storage& opened, const std::string& query, const sql::query_limits& limits,
    const std::function<visit(const std::vector<std::string>& columns, nlohmann::ordered_json row)>& see);

}  // namespace tyto::tool

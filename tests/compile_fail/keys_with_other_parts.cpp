#include "prelude.hpp"
#include "tyto/row_key.hpp"

using pair = std::pair<int, int>;

// expect error: tyto: the key has not so many parts
const auto three = tyto::to_row_key_parts<pair>(1, 2, 3);

// expect error: tyto: the key has one part
const auto two = tyto::to_row_key_parts<int>(1, 2);

// expect error: tyto: only strings, pairs and tuples have a prefix
const auto prefix = tyto::to_row_key_prefix<int>(1);

// The fields of what is stored, an event's or a row's, and how two of them differ.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tyto/testing/rehearsal.hpp"

namespace tyto::testing {

/// The fields of a MessagePack map keyed by strings, their values as they are stored; none if it is something else.
std::optional<std::map<std::string, std::string_view>> fields_of(std::string_view payload);

/// Returns which fields of two payloads, or rows, differ; none if one of them has no fields.
std::vector<field_difference> differing_fields(std::string_view before, std::string_view after);

}  // namespace tyto::testing

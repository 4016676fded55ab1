// Which events are wanted: by type, category, time, correlation id and fields of the payload.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tyto/event.hpp"
#include "tyto/event_filter.hpp"
#include "tyto/result.hpp"

namespace tyto::survey {

/// A field of the payload and the value that it must have.
struct field_condition {
  std::string path;   // names, from the outside in, with points between them: "address.city", "items.0.code"
  std::string value;  // a text as it is; everything else as JSON writes it

  /// Reads FIELD=VALUE; fails with errc::invalid_argument.
  static result<field_condition> parse(std::string_view text);
};

struct event_selection {
  event_filter only = {};
  std::optional<timestamp> since = {};  // at this time or later
  std::optional<timestamp> until = {};  // before this time
  std::optional<std::string> correlation = {};
  std::vector<field_condition> where = {};  // all of them

  /// Returns whether `event`, which `only` takes, is wanted.
  [[nodiscard]] bool takes(const event_view& event) const;
};

}  // namespace tyto::survey

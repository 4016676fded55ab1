// The ids of the commands that consumers send, and what can be told from them. Each follows from the event that the
// consumer was handed, so that a repetition has the same id.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tyto/metadata.hpp"

namespace tyto::detail {

/// Returns the id of a consumer's command: the one of number `index` that followed from `cause`, which is an event's
/// metadata::idempotency_key() or cause_of_rejection().
std::string consumer_command_id(const std::string& cause, std::size_t index);

/// Returns what the commands followed from that followed from the rejection of `command_id`.
std::string cause_of_rejection(const std::string& command_id);

/// The event that a consumer's command followed from.
struct consumer_cause {
  std::string_view consumer;
  std::uint64_t position = 0;
};

/// Returns what the command that led to the event described by `event` followed from, if it was a consumer's; the name
/// is lent by `event`.
std::optional<consumer_cause> cause_of(const metadata& event);

}  // namespace tyto::detail

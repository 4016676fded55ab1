// The stored form of one event, version 1: what the journal keeps under the event's position. Written from a
// recorded_event, read back into metadata and a view of the payload. docs/storage-format.md describes it byte for byte.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tyto/event.hpp"
#include "tyto/result.hpp"

namespace tyto::record {

inline constexpr std::uint16_t format_version = 1;

/// Returns how many bytes the stored form of `event` in the stream `persistence_id` takes.
std::uint64_t size_of(const recorded_event& event, std::string_view persistence_id);

/// Writes the stored form of a numbered `event`, which has passed check_write(), to the size_of() bytes at `to`.
void write(char* to, const recorded_event& event);

/// Where an event belongs. Points into its stored form.
struct identity {
  std::string_view persistence_id;
  std::string_view type;
  std::uint64_t sequence_number = 0;
};

/// Returns whose event lies at `position`, if its stored form is whole. Fails with errc::damaged, or errc::newer_format
/// for what only newer versions can read.
result<identity> verify(std::uint64_t position, std::string_view bytes);

/// Reads a stored form that is whole into `meta`, whose memory is used again, and returns the payload, which points
/// into `bytes`. Fails with errc::damaged.
result<std::string_view> decode(std::uint64_t position, std::string_view bytes, metadata& meta);

/// The two in one.
result<std::string_view> read(std::uint64_t position, std::string_view bytes, metadata& meta);

/// Returns what a damaged record seems to say of itself, if it is readable.
std::optional<identity> guess_identity(std::string_view bytes);

/// Returns "reading the event at position 7 (order|1, order.created)", with as much as `bytes` show.
std::string reading(std::uint64_t position, std::string_view bytes);

}  // namespace tyto::record

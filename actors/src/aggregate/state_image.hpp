// What the runtime keeps of an aggregate besides its events: in a snapshot, and in the journal for events that were
// truncated. The aggregate encodes its state, the actor adds what it must know to go on from there.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "aggregate/recent_commands.hpp"
#include "tyto/clock.hpp"
#include "tyto/event.hpp"
#include "tyto/result.hpp"

namespace tyto::detail {

/// Where an aggregate stood after an event.
struct image_header {
  std::uint32_t schema_version = 1;   // of the state
  std::uint64_t sequence_number = 0;  // of the event
  std::uint64_t position = 0;         // of the event
  timestamp time;                     // of the event
  /// The first event whose command id the aggregate remembered; 0 if it remembered none.
  std::uint64_t commands_since = 0;
  /// What it remembered of the commands whose events are gone; else empty, for the events tell.
  std::vector<recent_commands::entry> commands;
};
TYTO_VALUE(image_header, schema_version, sequence_number, position, time, commands_since, commands)

/// The state of an image that only stands for commands: nil.
inline constexpr std::string_view no_state{"\xc0"};

/// Returns the image: a MessagePack array of the two, `state` being MessagePack itself.
std::string make_image(const image_header& at, std::string_view state);

struct parsed_image {
  image_header at;
  std::string_view state;  // lies in the image
};
/// Takes an image apart; fails with errc::undecodable.
result<parsed_image> parse_image(std::string_view image);

}  // namespace tyto::detail

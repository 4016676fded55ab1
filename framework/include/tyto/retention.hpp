// What may become of a stream besides growing. A command asks for it, an aggregate hands it on, a store does it.
#pragma once

#include <cstdint>
#include <string>

namespace tyto {

enum class stream_state : std::uint8_t {
  open,
  closed,   // takes no more events; may still be truncated and deleted
  deleted,  // has no events; its version and the positions of its events are not used again
};

/// What a store knows of a stream.
struct stream_info {
  std::uint64_t first = 1;    // the first sequence number that can be read; version + 1 if none can
  std::uint64_t version = 0;  // the last sequence number, also if its event was removed
  stream_state state = stream_state::open;
  std::string base;  // what the last truncation stored to stand for the removed events; opaque to the store
};

/// A change of what is kept of a stream. Nothing of it can be undone.
struct retention {
  enum class action : std::uint8_t { close, truncate, remove };
  action what = action::close;
  std::uint64_t first = 0;  // truncate: the first sequence number that stays, 1 to version + 1
  std::string base;         // truncate: what stands for the events that go
};

}  // namespace tyto

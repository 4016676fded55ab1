// What the parts of the index say to each other of a stream. To runs it is a name that has numbered positions.
#pragma once

#include <xxhash.h>

#include <cstdint>
#include <string_view>
#include <vector>

namespace tyto {

/// A stream's name and its hash, so that looking in several places computes it once. Lent.
struct stream_name {
  explicit stream_name(std::string_view persistence_id)
      : id(persistence_id), hash(XXH3_64bits(persistence_id.data(), persistence_id.size())) {}
  stream_name(std::string_view persistence_id, std::uint64_t known_hash) : id(persistence_id), hash(known_hash) {}

  std::string_view id;
  std::uint64_t hash;
};

/// The positions of consecutive events of one stream.
struct stream_positions {
  std::uint64_t first = 0;  // the sequence number of the first of them
  std::vector<std::uint64_t> positions;

  [[nodiscard]] bool empty() const { return positions.empty(); }
  /// Returns the number of the event after them.
  [[nodiscard]] std::uint64_t end() const { return first + positions.size(); }
};

/// A stream's last event; 0 and 0 if it has none.
struct last_event {
  std::uint64_t sequence_number = 0;
  std::uint64_t position = 0;
};

}  // namespace tyto

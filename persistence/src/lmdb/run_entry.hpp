// The entries of a run. A run is a table that was written once, in the order of its keys: each entry lists positions of
// consecutive events of one name, of a stream that is. Names are ordered by their hash, so that a run's filter (see
// key_filter.hpp) can be written along with its entries.
//
// Key: the name's hash, big-endian; the name; a NUL; the number of the first event, big-endian. Value: how many
// positions, the first of them, the distance of each further one from the one before, all as varints; a checksum with
// the key as seed. docs/storage-format.md has it byte for byte.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tyto {

/// What an entry holds at most. Entry and key stay so small that LMDB never puts a value on a page of its own: a run
/// can then be given up without reading it.
inline constexpr std::uint32_t entry_positions_max = 512;
inline constexpr std::size_t entry_value_bytes_max = 1500;

class run_key {
 public:
  run_key(std::string_view name, std::uint64_t hash, std::uint64_t number);

  void set(std::uint64_t number);
  [[nodiscard]] std::string_view bytes() const { return bytes_; }
  [[nodiscard]] std::string_view name() const;
  /// Returns whether `other` is a key of the same name.
  [[nodiscard]] bool is_sibling(std::string_view other) const;

  /// What a key says. Lent.
  struct parts {
    std::uint64_t hash = 0;
    std::string_view name;
    std::uint64_t number = 0;
  };
  /// Returns whether `key` is an entry's, damaged or not. If not, it is the run's head's or that of a piece of its
  /// filter.
  static bool is_entry(std::string_view key) { return key.size() > sizeof(std::uint64_t); }
  /// Returns nothing if `key` has not the form of an entry's.
  static std::optional<parts> parse(std::string_view key);

 private:
  std::string bytes_;
};

/// The positions of one entry in stored form, lent.
struct packed_positions {
  std::uint32_t count = 0;
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::string_view distances;

  /// Takes a stored value apart; returns nothing if its checksum or its form is wrong.
  static std::optional<packed_positions> unpack(std::string_view key, std::string_view value);

  [[nodiscard]] std::vector<std::uint64_t> positions() const;
  /// Returns them without so many at the front, which must leave some.
  [[nodiscard]] packed_positions without_first(std::uint64_t positions) const;
};

/// Puts an entry's value together.
class position_packer {
 public:
  /// Adds a position, which is higher than the last one; returns false if there is no room for it.
  bool add(std::uint64_t position);
  [[nodiscard]] bool has_room(const packed_positions& following) const;
  /// Adds all of them, for which there is room.
  void add(const packed_positions& following);
  void clear();

  [[nodiscard]] std::uint32_t count() const { return count_; }
  /// Returns the value to be stored under `key`.
  [[nodiscard]] std::string value(std::string_view key) const;

 private:
  std::uint32_t count_ = 0;
  std::uint64_t first_ = 0;
  std::uint64_t last_ = 0;
  std::string distances_;
};

}  // namespace tyto

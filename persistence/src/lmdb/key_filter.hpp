// Which names a run may hold: a Bloom filter, asked before the run is searched. It answers "no" only where the run has
// no entry of that name; some one in a hundred names that are not there get a "maybe".
//
// It is divided into blocks of one cache line: a hash belongs to one block and has six bits in it. Some blocks make a
// piece, which is stored among the run's entries, before the first whose hash falls into it. Entries are written in the
// order of their hashes, so a run is written with one piece in hand, however large its filter is.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lmdb/lmdb.hpp"
#include "tyto/result.hpp"

namespace tyto {

/// How a run's filter is divided.
class filter_shape {
 public:
  explicit filter_shape(std::uint32_t blocks) : blocks_(blocks) {}
  /// Returns the shape for up to so many names: ten bits each.
  static filter_shape for_names(std::uint64_t names);

  [[nodiscard]] std::uint32_t blocks() const { return blocks_; }
  [[nodiscard]] std::uint32_t pieces() const;
  [[nodiscard]] std::uint32_t block_of(std::uint64_t hash) const;
  [[nodiscard]] std::uint32_t piece_of(std::uint64_t hash) const;
  [[nodiscard]] std::uint32_t first_block(std::uint32_t piece) const;
  [[nodiscard]] std::uint32_t blocks_in(std::uint32_t piece) const;
  /// Returns the key under which a piece is stored: the least hash that falls into it, big-endian, and nothing else.
  [[nodiscard]] std::string key_of(std::uint32_t piece) const;

 private:
  std::uint32_t blocks_;
};

struct alignas(64) filter_block {
  std::array<std::uint64_t, 8> words{};

  void add(std::uint64_t hash);
  [[nodiscard]] bool may_hold(std::uint64_t hash) const;
};

/// One piece, being written.
class filter_piece {
 public:
  filter_piece(filter_shape shape, std::uint32_t piece);
  /// Goes on with one that was stored unfinished. Where its checksum is wrong, it lets everything pass from now on.
  filter_piece(filter_shape shape, std::uint32_t piece, std::string_view stored);

  void add(std::uint64_t hash) { blocks_[shape_.block_of(hash) - shape_.first_block(piece_)].add(hash); }
  [[nodiscard]] std::uint32_t number() const { return piece_; }
  [[nodiscard]] std::string key() const { return shape_.key_of(piece_); }
  /// Returns what is to be stored. A piece that names may still come to has another checksum, so that it is never taken
  /// for the whole one.
  [[nodiscard]] std::string value(bool is_finished) const;

 private:
  filter_shape shape_;
  std::uint32_t piece_;
  std::vector<filter_block> blocks_;
};

/// A run's filter in memory. Safe to ask from any thread.
class key_filter {
 public:
  /// Reads the filter of the run in `table`. A piece that is missing or whose checksum is wrong lets everything pass:
  /// it costs time, but no answer is wrong.
  static result<key_filter> load(const lmdb::transaction& transaction, lmdb::table table, filter_shape shape);

  [[nodiscard]] bool may_hold(std::uint64_t hash) const { return blocks_[shape_.block_of(hash)].may_hold(hash); }
  /// Says that may_hold() will be asked: where many filters are asked for one name, their memory is fetched at once.
  void prefetch(std::uint64_t hash) const { __builtin_prefetch(&blocks_[shape_.block_of(hash)]); }
  [[nodiscard]] std::uint32_t damaged_pieces() const { return damaged_pieces_; }

 private:
  explicit key_filter(filter_shape shape) : shape_(shape), blocks_(shape.blocks()) {}

  filter_shape shape_;
  std::vector<filter_block> blocks_;
  std::uint32_t damaged_pieces_ = 0;
};

}  // namespace tyto

#include "lmdb/key_filter.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

#include "lmdb/sealed_value.hpp"

namespace tyto {
namespace {

constexpr std::uint64_t bits_per_name = 10;
constexpr std::uint64_t bits_per_block = 512;
constexpr std::uint32_t blocks_per_piece = 23;  // two pieces, with their keys, fit on a page of LMDB
constexpr std::uint64_t multiplier = 0x9E3779B97F4A7C15;

__extension__ using wide = unsigned __int128;

// Visits the six bits of a hash in its block. Hashes of one block have their upper bits in common: these are mixed in.
template <class Visit>
void visit_bits(std::uint64_t hash, const Visit& visit) {
  constexpr unsigned bits = 6;
  constexpr unsigned bit_bits = 9;  // what numbers a bit of a block
  constexpr unsigned word_bits = 64;
  auto mixed = (hash * multiplier) >> (word_bits - bits * bit_bits);
  for (unsigned i = 0; i < bits; ++i, mixed >>= bit_bits) {
    visit(mixed % bits_per_block / word_bits, std::uint64_t{1} << (mixed % word_bits));
  }
}

std::string seal_key(std::string key, bool is_finished) { return is_finished ? key : key + "+"; }

// Copies a stored piece; returns false, and lets everything pass, if it is none.
bool copy_piece(std::string_view key, std::string_view stored, filter_block* to, std::uint32_t blocks) {
  const auto bytes = blocks * sizeof(filter_block);
  if (stored.size() > bytes) {
    if (const auto whole = unsealed(key, stored, bytes, "")) {
      std::memcpy(static_cast<void*>(to), whole->data(), bytes);
      return true;
    }
  }
  for (std::uint32_t i = 0; i < blocks; ++i) to[i].words.fill(~std::uint64_t{0});
  return false;
}

}  // namespace

filter_shape filter_shape::for_names(std::uint64_t names) {
  const auto blocks = (names * bits_per_name + bits_per_block - 1) / bits_per_block;
  return filter_shape{
      static_cast<std::uint32_t>(std::clamp<std::uint64_t>(blocks, 1, std::numeric_limits<std::uint32_t>::max()))};
}

std::uint32_t filter_shape::pieces() const {
  return static_cast<std::uint32_t>((std::uint64_t{blocks_} + blocks_per_piece - 1) / blocks_per_piece);
}

std::uint32_t filter_shape::block_of(std::uint64_t hash) const {
  return static_cast<std::uint32_t>((wide{hash} * blocks_) >> 64);
}

std::uint32_t filter_shape::piece_of(std::uint64_t hash) const { return block_of(hash) / blocks_per_piece; }

std::uint32_t filter_shape::first_block(std::uint32_t piece) const { return piece * blocks_per_piece; }

std::uint32_t filter_shape::blocks_in(std::uint32_t piece) const {
  return std::min(blocks_per_piece, blocks_ - first_block(piece));
}

std::string filter_shape::key_of(std::uint32_t piece) const {
  const auto least = static_cast<std::uint64_t>(((wide{first_block(piece)} << 64) + blocks_ - 1) / blocks_);
  const auto big_endian = __builtin_bswap64(least);
  return {reinterpret_cast<const char*>(&big_endian), sizeof big_endian};
}

void filter_block::add(std::uint64_t hash) {
  visit_bits(hash, [this](std::size_t word, std::uint64_t bit) { words[word] |= bit; });
}

bool filter_block::may_hold(std::uint64_t hash) const {
  bool all = true;
  visit_bits(hash, [&](std::size_t word, std::uint64_t bit) { all = all && (words[word] & bit) != 0; });
  return all;
}

filter_piece::filter_piece(filter_shape shape, std::uint32_t piece)
    : shape_(shape), piece_(piece), blocks_(shape.blocks_in(piece)) {}

filter_piece::filter_piece(filter_shape shape, std::uint32_t piece, std::string_view stored)
    : filter_piece(shape, piece) {
  copy_piece(seal_key(key(), false), stored, blocks_.data(), static_cast<std::uint32_t>(blocks_.size()));
}

std::string filter_piece::value(bool is_finished) const {
  return sealed(seal_key(key(), is_finished),
                {reinterpret_cast<const char*>(blocks_.data()), blocks_.size() * sizeof(filter_block)});
}

result<key_filter> key_filter::load(const lmdb::transaction& transaction, lmdb::table table, filter_shape shape) {
  key_filter filter{shape};
  lmdb::cursor pieces{transaction, table};
  for (std::uint32_t piece = 0; piece < shape.pieces(); ++piece) {
    const auto key = shape.key_of(piece);
    const int code = pieces.seek(key, MDB_SET_KEY);
    if (code != 0 && code != MDB_NOTFOUND) return lmdb::to_error(code, "reading the filter of a run");
    const auto stored = code == 0 ? pieces.value() : std::string_view{};
    auto* const to = filter.blocks_.data() + shape.first_block(piece);
    if (!copy_piece(key, stored, to, shape.blocks_in(piece))) ++filter.damaged_pieces_;
  }
  return filter;
}

}  // namespace tyto

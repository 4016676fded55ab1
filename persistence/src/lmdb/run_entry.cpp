#include "lmdb/run_entry.hpp"

#include <xxhash.h>

#include <cstring>

namespace tyto {
namespace {

constexpr std::size_t number_bytes = sizeof(std::uint64_t);
constexpr std::size_t varint_bytes_max = 10;
constexpr unsigned varint_bits = 7;
constexpr std::uint8_t more_follows = 0x80;

using checksum = std::uint32_t;

checksum checksum_of(std::string_view key, std::string_view bytes) {
  const auto seed = XXH3_64bits(key.data(), key.size());
  return static_cast<checksum>(XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed));
}

void put_big_endian(char* to, std::uint64_t number) {
  number = __builtin_bswap64(number);
  std::memcpy(to, &number, number_bytes);
}

std::uint64_t big_endian(const char* from) {
  std::uint64_t number = 0;
  std::memcpy(&number, from, number_bytes);
  return __builtin_bswap64(number);
}

std::size_t varint_bytes(std::uint64_t number) {
  std::size_t bytes = 1;
  for (; number >= more_follows; number >>= varint_bits) ++bytes;
  return bytes;
}

void put_varint(std::string& to, std::uint64_t number) {
  for (; number >= more_follows; number >>= varint_bits) to += static_cast<char>(number | more_follows);
  to += static_cast<char>(number);
}

// Takes a number off the front of `bytes`; returns false if there is none.
bool take_varint(std::string_view& bytes, std::uint64_t& number) {
  number = 0;
  for (std::size_t i = 0; i < bytes.size() && i < varint_bytes_max; ++i) {
    const auto byte = static_cast<std::uint8_t>(bytes[i]);
    number |= static_cast<std::uint64_t>(byte & ~more_follows) << (i * varint_bits);
    if ((byte & more_follows) != 0) continue;
    bytes.remove_prefix(i + 1);
    return true;
  }
  return false;
}

constexpr std::size_t head_bytes_max = 2 * varint_bytes_max;  // the count and the first position

}  // namespace

run_key::run_key(std::string_view name, std::uint64_t hash, std::uint64_t number) {
  bytes_.assign(number_bytes, '\0').append(name).append(1 + number_bytes, '\0');
  put_big_endian(bytes_.data(), hash);
  set(number);
}

void run_key::set(std::uint64_t number) { put_big_endian(bytes_.data() + bytes_.size() - number_bytes, number); }

std::string_view run_key::name() const { return bytes().substr(number_bytes, bytes_.size() - 2 * number_bytes - 1); }

bool run_key::is_sibling(std::string_view other) const {
  const auto prefix = bytes_.size() - number_bytes;
  return other.size() == bytes_.size() && other.substr(0, prefix) == bytes().substr(0, prefix);
}

std::optional<run_key::parts> run_key::parse(std::string_view key) {
  if (key.size() < 2 * number_bytes + 1) return std::nullopt;
  const auto name_bytes = key.size() - 2 * number_bytes - 1;
  if (key[number_bytes + name_bytes] != '\0') return std::nullopt;
  return parts{big_endian(key.data()), key.substr(number_bytes, name_bytes),
               big_endian(key.data() + key.size() - number_bytes)};
}

std::optional<packed_positions> packed_positions::unpack(std::string_view key, std::string_view value) {
  checksum stored = 0;
  if (value.size() < sizeof stored) return std::nullopt;
  auto rest = value.substr(0, value.size() - sizeof stored);
  std::memcpy(&stored, value.data() + rest.size(), sizeof stored);
  if (stored != checksum_of(key, rest)) return std::nullopt;

  packed_positions found;
  std::uint64_t count = 0;
  if (!take_varint(rest, count) || !take_varint(rest, found.first)) return std::nullopt;
  if (count == 0 || count > entry_positions_max) return std::nullopt;
  found.count = static_cast<std::uint32_t>(count);
  found.last = found.first;
  found.distances = rest;
  for (std::uint64_t i = 1, distance = 0; i < count; ++i, found.last += distance) {
    if (!take_varint(rest, distance) || distance == 0) return std::nullopt;
  }
  return rest.empty() ? std::optional{found} : std::nullopt;
}

std::vector<std::uint64_t> packed_positions::positions() const {
  std::vector<std::uint64_t> all;
  all.reserve(count);
  all.push_back(first);
  auto rest = distances;
  for (std::uint64_t distance = 0; all.size() < count && take_varint(rest, distance);) {
    all.push_back(all.back() + distance);
  }
  return all;
}

packed_positions packed_positions::without_first(std::uint64_t positions) const {
  auto rest = *this;
  for (std::uint64_t distance = 0; positions > 0 && take_varint(rest.distances, distance); --positions) {
    rest.first += distance;
    --rest.count;
  }
  return rest;
}

bool position_packer::add(std::uint64_t position) {
  const packed_positions one{1, position, position, {}};
  if (!has_room(one)) return false;
  add(one);
  return true;
}

bool position_packer::has_room(const packed_positions& following) const {
  const auto distance_bytes = count_ == 0 ? 0 : distances_.size() + varint_bytes(following.first - last_);
  return std::uint64_t{count_} + following.count <= entry_positions_max &&
         head_bytes_max + distance_bytes + following.distances.size() + sizeof(checksum) <= entry_value_bytes_max;
}

void position_packer::add(const packed_positions& following) {
  if (count_ == 0) {
    first_ = following.first;
  } else {
    put_varint(distances_, following.first - last_);
  }
  distances_ += following.distances;
  count_ += following.count;
  last_ = following.last;
}

void position_packer::clear() {
  count_ = 0;
  distances_.clear();
}

std::string position_packer::value(std::string_view key) const {
  std::string bytes;
  bytes.reserve(head_bytes_max + distances_.size() + sizeof(checksum));
  put_varint(bytes, count_);
  put_varint(bytes, first_);
  bytes += distances_;
  const auto seal = checksum_of(key, bytes);
  return bytes.append(reinterpret_cast<const char*>(&seal), sizeof seal);
}

}  // namespace tyto

// Keys of tables that hold something of a stream under a sequence number: the persistence id, a NUL, the number in
// big-endian, so that LMDB keeps a stream's entries together and in order.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace tyto {

class stream_key {
 public:
  explicit stream_key(std::string_view persistence_id, std::uint64_t number = 0) { set(persistence_id, number); }

  void set(std::string_view persistence_id, std::uint64_t number) {
    bytes_.assign(persistence_id).append(1 + number_bytes, '\0');
    set(number);
  }
  void set(std::uint64_t number) {
    number = __builtin_bswap64(number);
    std::memcpy(bytes_.data() + bytes_.size() - number_bytes, &number, number_bytes);
  }

  [[nodiscard]] std::string_view bytes() const { return bytes_; }
  [[nodiscard]] std::string_view persistence_id() const { return bytes().substr(0, bytes_.size() - number_bytes - 1); }

  /// Returns whether `other` is a key of the same stream.
  [[nodiscard]] bool is_sibling(std::string_view other) const {
    const auto prefix = bytes_.size() - number_bytes;
    return other.size() == bytes_.size() && other.substr(0, prefix) == bytes().substr(0, prefix);
  }
  /// Returns the number in `key`, which is one of such keys.
  static std::uint64_t number_in(std::string_view key) {
    std::uint64_t number = 0;
    std::memcpy(&number, key.data() + key.size() - number_bytes, number_bytes);
    return __builtin_bswap64(number);
  }

 private:
  static constexpr std::size_t number_bytes = sizeof(std::uint64_t);
  std::string bytes_;
};

}  // namespace tyto

#include "lmdb/sealed_value.hpp"

#include <xxhash.h>

#include "lmdb/stored_number.hpp"

namespace tyto {
namespace {

constexpr std::size_t checksum_bytes = sizeof(std::uint64_t);

std::uint64_t checksum_of(std::string_view key, std::string_view value) {
  return XXH3_64bits_withSeed(value.data(), value.size(), XXH3_64bits(key.data(), key.size()));
}

}  // namespace

std::string sealed(std::string_view key, std::string_view value) {
  return std::string{value}.append(as_key(checksum_of(key, value)));
}

std::string sealed(std::string_view key, const std::uint64_t& number) { return sealed(key, as_key(number)); }

result<std::string_view> unsealed(std::string_view key, std::string_view stored, std::size_t bytes,
                                  std::string_view doing) {
  if (!stored.empty() && stored.size() <= bytes && stored.size() % checksum_bytes == 0) return stored;
  const auto value = stored.substr(0, bytes);
  if (stored.size() == bytes + checksum_bytes && number_in(stored.substr(bytes)) == checksum_of(key, value)) {
    return value;
  }
  return error{errc::damaged, std::string{doing}, "the checksum of what is stored is wrong"};
}

result<std::uint64_t> unsealed_number(std::string_view key, std::string_view stored, std::string_view doing) {
  auto value = unsealed(key, stored, sizeof(std::uint64_t), doing);
  return value ? result<std::uint64_t>{number_in(*value)} : std::move(value).error();
}

}  // namespace tyto

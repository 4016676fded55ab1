// Small values of tables other than `events` carry a checksum behind them. The key is the seed, so that a value which
// turns up under another key does not pass.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tyto/result.hpp"

namespace tyto {

/// Returns the stored form of `value` under `key`.
std::string sealed(std::string_view key, std::string_view value);
std::string sealed(std::string_view key, const std::uint64_t& number);

/// Returns the value of `bytes` bytes that was stored under `key`, without its checksum, or a shorter one that has
/// none: earlier versions wrote these. Fails with errc::damaged if the checksum is wrong, saying what was being done.
result<std::string_view> unsealed(std::string_view key, std::string_view stored, std::size_t bytes,
                                  std::string_view doing);
result<std::uint64_t> unsealed_number(std::string_view key, std::string_view stored, std::string_view doing);

}  // namespace tyto

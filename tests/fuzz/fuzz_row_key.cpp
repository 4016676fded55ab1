// Keys of rows: whatever bytes lie in a table, and the order of keys that were made of them.
#include <chrono>
#include <cstring>
#include <tuple>

#include "harness.hpp"
#include "tyto/row_key.hpp"

namespace tyto::fuzz {
namespace {

using key = std::tuple<std::string, std::int32_t, std::pair<bool, std::uint64_t>, std::string>;

template <class K>
void read_back(std::string_view input) {
  K read{};
  if (!from_row_key(input, read)) return;
  const auto bytes = to_row_key(read);
  K again{};
  require(from_row_key<K>(bytes, again) && again == read, "a key that is written can be read");
}

// Takes a key out of `input`.
key key_of(std::string_view& input) {
  const auto take = [&input](std::size_t bytes) {
    const auto taken = input.substr(0, bytes);
    input.remove_prefix(taken.size());
    return taken;
  };
  const auto number = [&]<class N>(N n) {
    const auto bytes = take(sizeof n);
    std::memcpy(&n, bytes.data(), bytes.size());
    return n;
  };
  const auto text = [&] { return std::string{take(number(std::uint8_t{}) % 8)}; };
  auto first = text();
  const auto second = number(std::int32_t{});
  const bool third = number(std::uint8_t{}) % 2 == 0;
  const auto fourth = number(std::uint64_t{});
  return {std::move(first), second, {third, fourth}, text()};
}

}  // namespace

std::vector<std::string> seeds() {
  using std::string_literals::operator""s;
  return {to_row_key(key{"order", -7, {true, 9}, "a\0b"s}), to_row_key(std::string{"text"}),
          to_row_key(std::int64_t{-1}), "\3abc\1\0\0\0\1\2\0\0\0\0\0\0\0\1x\3abd\1\0\0\0\1"s};
}

void run(std::string_view input) {
  read_back<std::string>(input);
  read_back<std::int64_t>(input);
  read_back<std::uint8_t>(input);
  read_back<bool>(input);
  read_back<key>(input);
  read_back<std::pair<std::chrono::sys_days, std::string>>(input);
  const auto left = key_of(input);
  const auto right = key_of(input);
  require((left < right) == (to_row_key(left) < to_row_key(right)), "bytes are in the order of the keys");
  require((left == right) == (to_row_key(left) == to_row_key(right)), "bytes differ where the keys do");
  const auto prefix = to_row_key_prefix<key>(std::get<0>(left));
  require(to_row_key(left).starts_with(prefix), "a key begins with its prefix");
  require(to_row_key(right).starts_with(prefix) == (std::get<0>(left) == std::get<0>(right)),
          "a prefix covers the keys that begin with these parts");
}

}  // namespace tyto::fuzz

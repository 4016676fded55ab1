#include "tyto/row_key.hpp"

namespace tyto::detail {
namespace {

// A string ends with 00 01; a NUL byte inside it is written as 00 ff. So no string is a prefix of a longer one, and
// "a" sorts before "a\0" and before "ab".
constexpr char escape = '\0';
constexpr char end_of_string = '\x01';
constexpr char escaped_nul = '\xff';

}  // namespace

void put_key_integer(std::string& out, std::uint64_t value, std::size_t bytes) {
  for (std::size_t i = bytes; i-- > 0;) out += static_cast<char>(value >> (8 * i));
}

bool get_key_integer(std::string_view& in, std::uint64_t& value, std::size_t bytes) {
  if (in.size() < bytes) return false;
  value = 0;
  for (std::size_t i = 0; i < bytes; ++i) value = value << 8 | static_cast<unsigned char>(in[i]);
  in.remove_prefix(bytes);
  return true;
}

void put_key_string(std::string& out, std::string_view value) {
  for (auto nul = value.find(escape); nul != std::string_view::npos; nul = value.find(escape)) {
    out.append(value.substr(0, nul + 1)) += escaped_nul;
    value.remove_prefix(nul + 1);
  }
  out.append(value);
  out += escape;
  out += end_of_string;
}

bool get_key_string(std::string_view& in, std::string& value) {
  value.clear();
  for (std::size_t i = 0; i + 1 < in.size(); ++i) {
    if (in[i] != escape) {
      value += in[i];
      continue;
    }
    const char mark = in[++i];
    if (mark == end_of_string) return in.remove_prefix(i + 1), true;
    if (mark != escaped_nul) return false;
    value += escape;
  }
  return false;
}

std::string without_string_end(std::string key) {
  key.resize(key.size() - 2);
  return key;
}

}  // namespace tyto::detail

namespace tyto {

std::string after_prefix(std::string prefix) {
  while (!prefix.empty() && prefix.back() == '\xff') prefix.pop_back();
  if (!prefix.empty()) ++prefix.back();
  return prefix;
}

}  // namespace tyto

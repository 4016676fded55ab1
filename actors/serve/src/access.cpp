#include "access.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace tyto::detail {
namespace {

char small(char letter) { return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter; }

std::string in_small_letters(std::string_view text) {
  std::string made{text};
  std::ranges::transform(made, made.begin(), small);
  return made;
}

// Takes as long whatever is wrong with it.
bool is_same(std::string_view given, std::string_view wanted) {
  unsigned difference = given.size() == wanted.size() ? 0 : 1;
  for (std::size_t i = 0; i < given.size(); ++i) {
    difference |= static_cast<unsigned char>(given[i]) ^ static_cast<unsigned char>(wanted[i % wanted.size()]);
  }
  return difference == 0;
}

int digit_of(char letter) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const auto at = digits.find(letter);
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

// Of Base64; what does not belong to it ends it.
std::string decoded(std::string_view text) {
  std::string made;
  unsigned bits = 0;
  int count = 0;
  for (const char each : text) {
    const int digit = digit_of(each);
    if (digit < 0) break;
    bits = (bits << 6 | static_cast<unsigned>(digit)) & 0xFFFFFU;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    made += static_cast<char>(bits >> count & 0xFFU);
  }
  return made;
}

std::string bracketed(const std::string& host) { return host.find(':') == std::string::npos ? host : "[" + host + "]"; }

}  // namespace

access_rules::access_rules(const std::vector<std::string>& hosts, std::uint16_t port, bool is_secure, std::string token,
                           bool may_act)
    : token_(std::move(token)), may_act_(may_act) {
  const std::string scheme = is_secure ? "https://" : "http://";
  const auto add = [&](const std::string& host) {
    hosts_.push_back(host);
    origins_.push_back(scheme + host);
  };
  for (const auto& each : hosts) {
    const auto host = bracketed(in_small_letters(each));
    add(host + ":" + std::to_string(port));
    if (port == (is_secure ? 443 : 80)) add(host);  // then browsers leave it out
  }
}

std::optional<refusal> access_rules::check(const request_head& head) const {
  if (std::ranges::find(hosts_, in_small_letters(head.host)) == hosts_.end()) {
    return refusal{421, "invalid_argument",
                   "this is not a name of this server: use the address that the program has printed, or give it the "
                   "name in serve_options::names"};
  }
  const bool is_foreign =
      !head.origin.empty() && std::ranges::find(origins_, in_small_letters(head.origin)) == origins_.end();
  const bool is_of_other_site =
      !head.fetch_site.empty() && head.fetch_site != "same-origin" && head.fetch_site != "none";
  if (!head.is_for_file && (is_foreign || is_of_other_site))
    return refusal{403, "permission", "another site's page may not ask"};
  if (!token_.empty() && !knows_token(head.authorization)) {
    return refusal{401, "permission", "it takes the token: as a password, or as 'Authorization: Bearer TOKEN'"};
  }
  if (head.method == "POST") return check_posted(head);
  if (head.method != "GET" && head.method != "HEAD") {
    return refusal{405, "invalid_argument", "there are GET, HEAD and POST"};
  }
  if (head.has_body || head.is_chunked) return refusal{400, "invalid_argument", "a GET has no body here"};
  return std::nullopt;
}

std::optional<refusal> access_rules::check_posted(const request_head& head) const {
  if (!may_act_) return refusal{403, "permission", "this page only shows: it was started without leave to act"};
  if (head.marker != "1") return refusal{403, "permission", "the header 'X-Tyto: 1' is missing"};
  const auto type = in_small_letters(head.content_type.substr(0, head.content_type.find(';')));
  if (type != "application/json") return refusal{415, "invalid_argument", "the Content-Type is application/json"};
  if (head.is_chunked || !head.has_body) return refusal{411, "invalid_argument", "the Content-Length must be given"};
  if (head.body_bytes > longest_body) return refusal{413, "invalid_argument", "it has more than 65536 bytes"};
  return std::nullopt;
}

bool access_rules::knows_token(std::string_view authorization) const {
  const auto space = authorization.find(' ');
  if (space == std::string_view::npos) return false;
  const auto scheme = in_small_letters(authorization.substr(0, space));
  const auto given = authorization.substr(space + 1);
  if (scheme == "bearer") return is_same(given, token_);
  if (scheme != "basic") return false;
  const auto pair = decoded(given);
  const auto colon = pair.find(':');
  return colon != std::string::npos && is_same(std::string_view{pair}.substr(colon + 1), token_);
}

bool is_address(std::string_view address) {
  const std::string text{address};
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  return text == "localhost" || ::inet_pton(AF_INET, text.c_str(), bytes.data()) == 1 ||
         ::inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1;
}

bool is_loopback(std::string_view address) {
  const std::string text{address};
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  if (text == "localhost") return true;
  if (::inet_pton(AF_INET, text.c_str(), bytes.data()) == 1) return bytes[0] == 127;
  return ::inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1 &&
         std::memcmp(bytes.data(), &in6addr_loopback, bytes.size()) == 0;
}

}  // namespace tyto::detail

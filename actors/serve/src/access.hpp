// Who may ask for what: decided on a request's head alone. A browser that has this page open runs others' pages too,
// and any of them can send requests here; only what they cannot forge tells them apart.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tyto::detail {

/// What decides of a request. Fields that are missing are empty.
struct request_head {
  std::string method;
  std::string host;  // the only one, or empty
  std::string origin;
  std::string fetch_site;  // Sec-Fetch-Site
  std::string authorization;
  std::string content_type;
  std::string marker;        // X-Tyto
  bool is_for_file = false;  // one of the page's own, which show nothing: a link from elsewhere may lead there
  bool has_body = false;     // announces one
  bool is_chunked = false;
  std::uint64_t body_bytes = 0;
};

/// Why a request is refused.
struct refusal {
  int status = 400;
  std::string_view code;  // an errc's name
  std::string_view message;
};

/// So many bytes may what is posted have.
inline constexpr std::uint64_t longest_body = 64UL * 1024;

class access_rules {
 public:
  /// `hosts` are the names by which it may be asked for, without a port.
  access_rules(const std::vector<std::string>& hosts, std::uint16_t port, bool is_secure, std::string token,
               bool may_act);

  [[nodiscard]] std::optional<refusal> check(const request_head& head) const;

 private:
  [[nodiscard]] bool knows_token(std::string_view authorization) const;
  [[nodiscard]] std::optional<refusal> check_posted(const request_head& head) const;

  std::vector<std::string> hosts_;    // in small letters, as the header has them
  std::vector<std::string> origins_;  // of the same
  const std::string token_;
  const bool may_act_;
};

/// Whether only this machine can reach `address`.
bool is_loopback(std::string_view address);
/// Whether it is an address in figures, or "localhost".
bool is_address(std::string_view address);

}  // namespace tyto::detail

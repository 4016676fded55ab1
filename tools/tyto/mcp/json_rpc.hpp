// JSON-RPC 2.0 (jsonrpc.org/specification), a message a line: what comes in, who answers it, and what goes out.
#pragma once

#include <functional>
#include <iosfwd>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <variant>

#include "tyto/result.hpp"

namespace tyto::tool {

using json = nlohmann::ordered_json;

/// What a method answers: its result, or what went wrong.
struct rpc_failure {
  int code = 0;
  std::string message;

  static rpc_failure unknown_method(std::string_view name);
  static rpc_failure bad_parameters(std::string why);
};
using rpc_answer = std::variant<json, rpc_failure>;

/// Answers a request, or hears of a notification, whose answer nobody gets.
using rpc_method = std::function<rpc_answer(const std::string& name, const json& parameters)>;

/// The longest line that is taken, in bytes.
inline constexpr std::size_t max_rpc_line_bytes = std::size_t{4} << 20;

/// Returns what goes out for a line that came in; empty if nothing does.
std::string answer_line(std::string_view line, const rpc_method& method);

/// Answers line after line until `in` ends. Fails with errc::io if `out` does.
result<void> serve_lines(std::istream& in, std::ostream& out, const rpc_method& method);

}  // namespace tyto::tool

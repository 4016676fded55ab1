#include "mcp/json_rpc.hpp"

#include <istream>
#include <ostream>
#include <variant>

#include "bounded_json.hpp"
#include "table.hpp"

namespace tyto::tool {
namespace {

constexpr int parse_error = -32'700;
constexpr int invalid_request = -32'600;
constexpr int method_not_found = -32'601;
constexpr int invalid_params = -32'602;

json failure(const json& id, const rpc_failure& why) {
  return {{"jsonrpc", "2.0"}, {"id", id}, {"error", {{"code", why.code}, {"message", why.message}}}};
}

bool is_id(const json& id) { return id.is_string() || id.is_number(); }

// Returns what goes out for one message; null if nothing does.
json answer(const json& message, const rpc_method& method) {
  if (!message.is_object() || message.value("jsonrpc", json{}) != "2.0") {
    return failure(nullptr, {invalid_request, "a message is an object with \"jsonrpc\":\"2.0\""});
  }
  const bool is_request = message.contains("id");
  if (is_request && !is_id(message["id"])) {
    return failure(nullptr, {invalid_request, "an id is a string or a number"});
  }
  if (!message.contains("method")) {
    // An answer to what was never asked, or nothing at all.
    return message.contains("result") || message.contains("error")
               ? json{}
               : failure(is_request ? message["id"] : json{}, {invalid_request, "there is no \"method\""});
  }
  const auto& name = message["method"];
  const auto parameters = message.value("params", json::object());
  const auto id = is_request ? message["id"] : json{};
  if (!name.is_string() || !parameters.is_object()) {
    return failure(id, {invalid_request, "\"method\" is a string, \"params\" an object"});
  }
  auto made = method(name.get<std::string>(), parameters);
  if (!is_request) return {};
  if (const auto* failed = std::get_if<rpc_failure>(&made)) return failure(id, *failed);
  return {{"jsonrpc", "2.0"}, {"id", id}, {"result", std::get<json>(std::move(made))}};
}

// Takes a line, but no more of it than is answered; the rest of it is read away.
bool get_line(std::istream& in, std::string& line) {
  line.clear();
  int byte = in.get();
  if (byte == std::istream::traits_type::eof()) return false;
  for (; byte != std::istream::traits_type::eof() && byte != '\n'; byte = in.get()) {
    if (line.size() <= max_rpc_line_bytes) line += static_cast<char>(byte);
  }
  return true;
}

}  // namespace

rpc_failure rpc_failure::unknown_method(std::string_view name) {
  return {method_not_found, "there is no method '" + std::string{name} + "'"};
}

rpc_failure rpc_failure::bad_parameters(std::string why) { return {invalid_params, std::move(why)}; }

std::string answer_line(std::string_view line, const rpc_method& method) {
  if (line.size() > max_rpc_line_bytes) {
    return to_text(failure(nullptr, {invalid_request, "the line is longer than 4 MiB"}));
  }
  const auto message = parse_bounded(line);
  if (message.is_discarded())
    return to_text(failure(nullptr, {parse_error, "the line is not JSON, or nested too deeply"}));
  if (!message.is_array()) {
    const auto made = answer(message, method);
    return made.is_null() ? std::string{} : to_text(made);
  }
  if (message.empty()) return to_text(failure(nullptr, {invalid_request, "the batch is empty"}));
  auto answers = json::array();
  for (const auto& each : message) {
    if (auto made = answer(each, method); !made.is_null()) answers.push_back(std::move(made));
  }
  return answers.empty() ? std::string{} : to_text(answers);
}

result<void> serve_lines(std::istream& in, std::ostream& out, const rpc_method& method) {
  std::string line;
  while (get_line(in, line)) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const auto made = answer_line(line, method);
    if (!made.empty() && !(out << made << '\n' << std::flush)) {
      return error{errc::io, "answering on standard output", "it was closed"};
    }
  }
  return {};
}

}  // namespace tyto::tool

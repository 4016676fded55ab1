#include "running.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "bounded_json.hpp"
#include "output.hpp"
#include "table.hpp"
#include "tyto/control_client.hpp"

namespace tyto::tool {

using json = nlohmann::ordered_json;

result<std::optional<json>> ask_runtime(const setting& given, const json& request, std::chrono::milliseconds patience) {
  const auto socket = given.socket.empty() ? given.directory / "control.sock" : given.socket;
  auto client =
      control_client::connect(socket, std::min<std::chrono::milliseconds>(patience, std::chrono::seconds{10}));
  if (!client) {
    if (client.error().code() == errc::stopped) return std::optional<json>{};
    return std::move(client).error();
  }
  auto line = client->ask(to_text(request), patience);
  if (!line) return std::move(line).error();
  auto answer = parse_bounded(*line);
  if (!answer.is_object()) {
    return error{errc::undecodable, fmt::format("asking the runtime at '{}'", socket.string()),
                 "its answer is not a JSON object: is another program listening there?"};
  }
  return std::optional{std::move(answer)};
}

std::optional<json> status_of_runtime(const setting& given) {
  auto answer = ask_runtime(given, json{{"do", "status"}}, std::chrono::seconds{2});
  if (!answer) note("the program does not say how it is doing: " + answer.error().message());
  if (!answer || !*answer) return std::nullopt;
  const auto consumers = (*answer)->find("consumers");
  if (consumers != (*answer)->end() && consumers->is_array()) return **std::move(answer);
  note("the program does not say how it is doing: its answer is not one that this version knows");
  return std::nullopt;
}

result<json> demand_of_runtime(const setting& given, const json& request) {
  auto answer = ask_runtime(given, request);
  if (!answer) return std::move(answer).error();
  if (*answer) return **std::move(answer);
  return error{errc::stopped, fmt::format("asking the runtime on '{}'", given.directory.string()),
               "none listens there: only a running program can do this, one whose runtime_options::control_socket is "
               "control.sock in this directory"};
}

}  // namespace tyto::tool

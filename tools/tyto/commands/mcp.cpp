// `tyto mcp`: the journal for an AI agent.
#include <iostream>

#include "commands.hpp"
#include "mcp/mcp_server.hpp"
#include "opened.hpp"

namespace tyto::tool {

outcome serve_mcp(const setting& given) {
  auto opened = open_for_reading(given.directory);
  if (!opened) return std::move(opened).error();
  const mcp_server server{journal_tools{given.directory, *std::move(opened)}};
  auto served = serve_lines(std::cin, std::cout, [&](const std::string& method, const json& parameters) {
    return server.answer(method, parameters);
  });
  return served ? outcome{done} : std::move(served).error();
}

}  // namespace tyto::tool

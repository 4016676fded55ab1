// The Model Context Protocol (modelcontextprotocol.io), the part of a server that has tools and resources.
#pragma once

#include "mcp/journal_tools.hpp"
#include "mcp/json_rpc.hpp"

namespace tyto::tool {

class mcp_server {
 public:
  explicit mcp_server(journal_tools tools) : tools_(std::move(tools)) {}

  /// Answers a request of the protocol.
  [[nodiscard]] rpc_answer answer(const std::string& method, const json& parameters) const;

 private:
  [[nodiscard]] rpc_answer call_tool(const json& parameters) const;
  [[nodiscard]] rpc_answer read_resource(const json& parameters) const;

  journal_tools tools_;
};

}  // namespace tyto::tool

// What an agent can ask of a journal: a list of tools, each with the form of its arguments, and what it does. All of
// them only read.
#pragma once

#include <filesystem>
#include <string>

#include "mcp/json_rpc.hpp"
#include "tyto/storage.hpp"

namespace tyto::tool {

/// The most rows, events or streams that one answer holds, and how many bytes they take about.
inline constexpr std::uint64_t max_answer_rows = 1'000;
inline constexpr std::size_t max_answer_bytes = std::size_t{1} << 20;

class journal_tools {
 public:
  journal_tools(std::filesystem::path directory, storage opened)
      : directory_(std::move(directory)), opened_(std::move(opened)) {}

  /// Returns the tools, as tools/list gives them.
  [[nodiscard]] static json list();

  /// Calls a tool. Fails with errc::invalid_argument for a tool or an argument that there is not, and where the tool
  /// does.
  [[nodiscard]] result<json> call(const std::string& name, const json& arguments) const;

 private:
  [[nodiscard]] result<json> info(const json& arguments) const;
  [[nodiscard]] result<json> streams(const json& arguments) const;
  [[nodiscard]] result<json> stream(const json& arguments) const;
  [[nodiscard]] result<json> search(const json& arguments) const;
  [[nodiscard]] result<json> consumers(const json& arguments) const;
  [[nodiscard]] result<json> dead_letters(const json& arguments) const;
  [[nodiscard]] result<json> trace(const json& arguments) const;
  [[nodiscard]] result<json> sql(const json& arguments) const;

  struct offer;
  static const std::vector<offer>& all();

  std::filesystem::path directory_;
  storage opened_;
};

}  // namespace tyto::tool

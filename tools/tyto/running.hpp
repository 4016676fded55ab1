// The runtime that has the storage open, asked through its control socket.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>

#include "commands.hpp"
#include "tyto/result.hpp"

namespace tyto::tool {

/// Asks the runtime that runs on the storage; returns its answer, none if no runtime listens there, or the error that
/// it answers with.
result<std::optional<nlohmann::ordered_json>> ask_runtime(const setting& given, const nlohmann::ordered_json& request);

/// The same for what only a runtime can do: fails with errc::stopped, saying what to do, if none listens.
result<nlohmann::ordered_json> demand_of_runtime(const setting& given, const nlohmann::ordered_json& request);

}  // namespace tyto::tool

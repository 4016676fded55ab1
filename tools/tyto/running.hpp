// The runtime that has the storage open, asked through its control socket.
#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>

#include "commands.hpp"
#include "tyto/result.hpp"

namespace tyto::tool {

/// Asks the runtime that runs on the storage; returns its answer, none if no runtime listens there, or the error that
/// it answers with.
result<std::optional<nlohmann::ordered_json>> ask_runtime(const setting& given, const nlohmann::ordered_json& request,
                                                          std::chrono::milliseconds patience = std::chrono::minutes{1});

/// Returns the runtime's status, for who also has something to show without it: none if no runtime listens, or, with a
/// note, if it does not answer within moments or not as it should.
std::optional<nlohmann::ordered_json> status_of_runtime(const setting& given);

/// The same for what only a runtime can do: fails with errc::stopped, saying what to do, if none listens.
result<nlohmann::ordered_json> demand_of_runtime(const setting& given, const nlohmann::ordered_json& request);

}  // namespace tyto::tool

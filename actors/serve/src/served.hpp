// What the page shows: a runtime in this process, or a directory. The port between the web and both.
#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "tyto/result.hpp"
#include "tyto/runtime.hpp"
#include "tyto/storage.hpp"

namespace tyto::detail {

/// May be used from any thread, several at once.
class served {
 public:
  virtual ~served() = default;

  [[nodiscard]] virtual const storage& stores() const = 0;

  /// Does a request of docs/control-socket.md and returns the answer, with "ok". Where no runtime runs that is a
  /// refusal with the code "stopped".
  virtual nlohmann::ordered_json ask(const nlohmann::ordered_json& request) = 0;

  /// What it is called where nothing else is said.
  [[nodiscard]] virtual std::string name() const = 0;
};

/// `rt` must outlive what is returned.
std::unique_ptr<served> serve_runtime(runtime& rt);

result<std::unique_ptr<served>> serve_files(const std::filesystem::path& directory);

}  // namespace tyto::detail

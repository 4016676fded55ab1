#include "served.hpp"

#include <cerrno>
#include <string_view>
#include <utility>

#include "control/control_request.hpp"
#include "engine.hpp"
#include "runtime_access.hpp"
#include "tyto/control_client.hpp"
#include "tyto/lmdb_store.hpp"

namespace tyto::detail {
namespace {

using json = nlohmann::ordered_json;

std::string line_of(const json& request) { return request.dump(-1, ' ', false, json::error_handler_t::replace); }

class running_runtime final : public served {
 public:
  explicit running_runtime(engine& of) : engine_(of) {}

  [[nodiscard]] const storage& stores() const override { return engine_.stores(); }
  json ask(const json& request) override { return json::parse(answer_control_request(line_of(request), engine_)); }
  [[nodiscard]] std::string name() const override { return ::program_invocation_short_name; }

 private:
  engine& engine_;
};

class storage_directory final : public served {
 public:
  storage_directory(std::filesystem::path at, storage opened) : at_(std::move(at)), stores_(std::move(opened)) {}

  [[nodiscard]] const storage& stores() const override { return stores_; }
  [[nodiscard]] std::string name() const override { return at_.string(); }

  // A connection for each request: the runtime has only so many, and may be another one next time.
  json ask(const json& request) override {
    auto client = control_client::connect(at_ / "control.sock");
    if (!client) return json::parse(control_refusal(client.error()));
    auto answer = client->ask(line_of(request));
    return json::parse(answer ? *answer : control_refusal(answer.error()));
  }

 private:
  const std::filesystem::path at_;
  const storage stores_;
};

}  // namespace

std::unique_ptr<served> serve_runtime(runtime& rt) {
  return std::make_unique<running_runtime>(runtime_access::engine_of(rt));
}

result<std::unique_ptr<served>> serve_files(const std::filesystem::path& directory_path) {
  auto opened = open_lmdb({.path = directory_path, .read_only = true});
  if (!opened) return std::move(opened).error();
  std::error_code ignored;
  auto at = std::filesystem::canonical(directory_path, ignored);
  if (ignored) at = directory_path;
  return std::unique_ptr<served>{std::make_unique<storage_directory>(std::move(at), *std::move(opened))};
}

}  // namespace tyto::detail

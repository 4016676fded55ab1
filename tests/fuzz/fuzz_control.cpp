// Lines that come in over the control socket: whatever they are, each is answered with a line of JSON, and what a
// request does not hold is not done.
#include <nlohmann/json.hpp>

#include "control/control_request.hpp"
#include "control/request_lines.hpp"
#include "harness.hpp"

namespace tyto::fuzz {
namespace {

class idle_runtime final : public detail::controlled {
 public:
  std::string last_consumer;

  [[nodiscard]] bool is_running() const override { return true; }
  [[nodiscard]] runtime_status status() const override { return {}; }
  [[nodiscard]] health_report health() const override { return {}; }
  [[nodiscard]] result<std::vector<dead_letter>> dead_letters(std::string_view of) const override {
    return error{errc::invalid_argument, "listing the dead letters of '" + std::string{of} + "'", "there are none"};
  }
  result<std::size_t> replay_dead_letters(std::string_view of, std::optional<std::string> key) override {
    last_consumer = of;
    return key ? key->size() : 0;
  }
  result<std::size_t> discard_dead_letter(std::string_view of, std::uint64_t position) override {
    last_consumer = of;
    return static_cast<std::size_t>(position);
  }
  result<void> pause(std::string_view consumer, std::chrono::milliseconds timeout) override {
    require(timeout.count() >= 0, "no time is less than none");
    return noted(consumer);
  }
  result<void> resume(std::string_view consumer) override { return noted(consumer); }
  result<void> reset(std::string_view consumer) override { return noted(consumer); }
  result<void> change_stream(std::string_view, retention) override { return {}; }

 private:
  result<void> noted(std::string_view consumer) {
    last_consumer = consumer;
    return {};
  }
};

}  // namespace

std::vector<std::string> seeds() {
  return {R"({"do":"truncate","stream":"order|1","before":3})"
          "\n",
          R"({"do":"status"})"
          "\n"
          R"({"do":"health"})"
          "\n"
          R"({"do":"check"})"
          "\n",
          R"({"do":"dead_letters","consumer":"billing","from":7})"
          "\n",
          R"({"do":"replay","consumer":"billing","key":"order|1"})"
          "\n",
          R"({"do":"discard","consumer":"billing","position":12})"
          "\n",
          R"({"do":"pause","consumer":"b\u00fc\\","timeout_ms":1000})"
          "\n"
          R"({"do":"resume","consumer":"b"})"
          "\n",
          R"({"do":"reset","consumer":["a",{"b":[1.5,null,true]}]})"
          "\n"};
}

void run(std::string_view input) {
  idle_runtime runtime;
  detail::request_lines lines{300};
  const auto answer = [&](std::string_view line) {
    runtime.last_consumer.clear();
    const auto text = detail::answer_control_request(line, runtime);
    require(text.find('\n') == text.size() - 1, "an answer is one line");
    const auto read = nlohmann::json::parse(text, nullptr, false);
    require(read.is_object() && read["ok"].is_boolean(), "an answer says whether it is ok");
    if (read["ok"] == false) require(read["code"].is_string() && read["message"].is_string(), "a refusal says why");
    if (read["ok"] == true || !runtime.last_consumer.empty()) {
      const auto asked = nlohmann::json::parse(line, nullptr, false);
      require(asked.is_object() && asked["do"].is_string(), "what is done was asked for");
      if (!runtime.last_consumer.empty()) require(asked["consumer"] == runtime.last_consumer, "it is done to that one");
    }
    return true;
  };
  while (!input.empty()) {  // in pieces, like from a socket
    lines.feed(input.substr(0, 7), answer);
    input.remove_prefix(std::min<std::size_t>(7, input.size()));
  }
}

}  // namespace tyto::fuzz

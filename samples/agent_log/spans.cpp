#include "spans.hpp"

#include <nlohmann/json.hpp>
#include <ostream>
#include <string>
#include <tyto/codec.hpp>
#include <tyto/detail/utc.hpp>
#include <tyto/event.hpp>

#include "domain.hpp"

namespace agent {
namespace {

using json = nlohmann::ordered_json;

// What every line has: whose conversation, and which operation of it.
json attributes_of(const tyto::metadata& meta, const char* operation) {
  return {{"gen_ai.operation.name", operation},
          {"gen_ai.agent.name", "agent_log"},
          {"gen_ai.conversation.id", std::string{meta.entity_id()}}};
}

json line_of(const task_started& e, const tyto::metadata& meta) {
  auto attributes = attributes_of(meta, "invoke_agent");
  attributes["gen_ai.request.model"] = e.model;
  attributes["gen_ai.input.messages"] =
      json::array({{{"role", "user"}, {"parts", json::array({{{"type", "text"}, {"content", e.goal}}})}}});
  return {{"name", "invoke_agent agent_log"}, {"attributes", std::move(attributes)}};
}

json line_of(const tool_called& e, const tyto::metadata& meta) {
  auto attributes = attributes_of(meta, "execute_tool");
  attributes["gen_ai.tool.name"] = e.tool;
  attributes["gen_ai.tool.type"] = "function";
  attributes["gen_ai.tool.call.id"] = meta.command_id;
  attributes["gen_ai.tool.call.arguments"] = e.input;
  attributes["gen_ai.tool.call.result"] = e.output;
  attributes["gen_ai.usage.output_tokens"] = e.tokens;
  return {{"name", "execute_tool " + e.tool}, {"attributes", std::move(attributes)}};
}

json line_of(const task_finished& e, const tyto::metadata& meta) {
  auto attributes = attributes_of(meta, "chat");
  attributes["gen_ai.output.messages"] =
      json::array({{{"role", "assistant"}, {"parts", json::array({{{"type", "text"}, {"content", e.answer}}})}}});
  attributes["gen_ai.usage.output_tokens"] = e.tokens;
  attributes["gen_ai.response.finish_reasons"] = json::array({"stop"});
  return {{"name", "chat"}, {"attributes", std::move(attributes)}};
}

json line_of(const task_stopped& e, const tyto::metadata& meta) {
  auto attributes = attributes_of(meta, "chat");
  attributes["gen_ai.response.finish_reasons"] = json::array({"length"});
  attributes["error.type"] = e.reason;
  return {{"name", "chat"}, {"attributes", std::move(attributes)}};
}

// Returns null for what is no event of a task.
template <class... Es>
tyto::result<json> line_of(const tyto::event_view& event, const std::variant<Es...>*) {
  tyto::result<json> line = json{};
  const auto make_as = [&]<class E>(std::type_identity<E>) {
    if (event.meta.type != tyto::stored_name<E>) return false;
    E value;
    if (auto read = tyto::from_bytes(event.payload, value); read) {
      line = line_of(value, event.meta);
    } else {
      line = std::move(read).error();
    }
    return true;
  };
  static_cast<void>((make_as(std::type_identity<Es>{}) || ...));
  return line;
}

}  // namespace

tyto::result<std::uint64_t> write_spans(const tyto::event_store& journal, std::ostream& out) {
  std::uint64_t lines = 0;
  tyto::result<void> outcome;
  auto read = journal.read_all({.only = {{}, {std::string{task::category}}}}, [&](const tyto::event_view& event) {
    auto line = line_of(event, static_cast<const task::event*>(nullptr));
    if (!line) {
      outcome = std::move(line).error();
      return tyto::visit::stop;
    }
    if (line->is_null()) return tyto::visit::next;
    (*line)["time"] = tyto::detail::to_utc(event.meta.time);
    (*line)["attributes"]["tyto.position"] = event.meta.position;
    out << line->dump(-1, ' ', false, json::error_handler_t::replace) << '\n';
    ++lines;
    return tyto::visit::next;
  });
  if (!outcome) return std::move(outcome).error();
  if (!read) return std::move(read).error();
  return lines;
}

}  // namespace agent

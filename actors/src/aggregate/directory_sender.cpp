#include "aggregate/directory_sender.hpp"

#include <cstddef>
#include <utility>

#include "tyto/dead_letter.hpp"
#include "tyto/metadata.hpp"

namespace tyto::detail {
namespace {

std::string persistence_id_of(const outgoing_command& command) {
  if (command.target == nullptr) return {};
  return make_persistence_id(command.target->category, command.entity_id);
}

run_command message_of(outgoing_command& command, std::string&& persistence_id, command_options& options,
                       command_reply& done) {
  return {command.target,
          aggregate_key{std::move(persistence_id)},
          std::move(command.command),
          std::move(options),
          std::move(done),
          std::move(command.retain)};
}

}  // namespace

void directory_sender::send(outgoing_command command, command_options options, command_reply done) {
  auto id = persistence_id_of(command);
  if (auto refused = refuse(command, id, options)) return done(command_failure{*std::move(refused)});
  aggregates_.post(message_of(command, std::move(id), options, done));
}

void directory_sender::send_together(std::vector<command_to_send> all, const std::shared_ptr<answer_taker>& to) {
  std::vector<run_command> messages;
  messages.reserve(all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    auto& [command, options] = all[i];
    auto id = persistence_id_of(command);
    command_reply reply{to, i};
    if (auto refused = refuse(command, id, options)) {
      reply(command_failure{*std::move(refused)});
    } else {
      messages.push_back(message_of(command, std::move(id), options, reply));
    }
  }
  aggregates_.post_all(std::move(messages));
}

std::optional<error> directory_sender::refuse(const outgoing_command& command, const std::string& persistence_id,
                                              const command_options& options) const {
  if (command.target == nullptr || (command.command == nullptr && !command.retain)) {
    return error{errc::invalid_argument, "sending a command", "it is empty; make it with send()"};
  }
  const auto doing = [&persistence_id] { return "sending a command to " + persistence_id; };
  if (!known_.contains(command.target) && command.target != &definition_of<consumer_record>()) {
    return error{errc::invalid_argument, doing(), "the runtime has no such aggregate; register it before start()"};
  }
  if (auto checked = check_persistence_id(persistence_id); !checked) return checked.error();
  if (options.tags.size() > max_tags) {
    return error{errc::invalid_argument, doing(),
                 std::to_string(options.tags.size()) + " tags, the limit is " + std::to_string(max_tags)};
  }
  const auto check = [&doing](const std::string& name) -> std::optional<error> {
    if (name.size() <= max_id_bytes) return std::nullopt;
    return error{errc::invalid_argument, doing(),
                 "the id or tag '" + name.substr(0, 40) + "...' has " + std::to_string(name.size()) +
                     " bytes, the limit is " + std::to_string(max_id_bytes)};
  };
  for (const auto* id : {&options.command_id, &options.correlation_id, &options.causation_id}) {
    if (auto refused = check(*id)) return refused;
  }
  for (const auto& tag : options.tags) {
    if (auto refused = check(tag)) return refused;
  }
  return std::nullopt;
}

}  // namespace tyto::detail

// Commands on their way to an aggregate, and the answers that come back.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "tyto/decision.hpp"
#include "tyto/result.hpp"
#include "tyto/retention.hpp"

namespace tyto {

struct aggregate_definition;
template <class A>
const aggregate_definition& definition_of();

/// The version at which a stream must be for an append to happen.
class expected_version {
 public:
  /// No check.
  static constexpr expected_version any() { return {kind::any, 0}; }
  /// The stream must have no events.
  static constexpr expected_version no_stream() { return {kind::exact, 0}; }
  /// The stream must have events.
  static constexpr expected_version stream_exists() { return {kind::exists, 0}; }
  /// The stream's last sequence number must be `sequence_number`.
  static constexpr expected_version exactly(std::uint64_t sequence_number) { return {kind::exact, sequence_number}; }

  /// Returns whether a stream at `actual` satisfies this.
  [[nodiscard]] constexpr bool allows(std::uint64_t actual) const {
    return kind_ == kind::any || (kind_ == kind::exists ? actual > 0 : actual == sequence_number_);
  }
  /// Returns it in words: "any version", "no stream", "an existing stream", "version 7".
  [[nodiscard]] std::string describe() const;

 private:
  enum class kind : std::uint8_t { any, exists, exact };
  constexpr expected_version(kind k, std::uint64_t n) : kind_(k), sequence_number_(n) {}

  kind kind_;
  std::uint64_t sequence_number_;
};

/// What becomes of a command when as many are in flight as the runtime takes.
enum class when_full : std::uint8_t {
  fail,  // it is answered with errc::overloaded at once
  wait,  // its caller waits for room, up to command_options::timeout, then it is answered with errc::overloaded
};

/// What a caller may say with a command.
struct command_options {
  /// Makes the command idempotent: once a command of an id has led to events, repetitions are answered with that
  /// outcome and change nothing, as long as the id is among the last ones (see runtime_options::command_id_window). A
  /// command that led to none, or was rejected without record_rejection, has left no trace and is decided again. Empty:
  /// every call is a command of its own. At most 255 bytes, as for the ids below.
  std::string command_id = {};
  /// The version at which the aggregate must be.
  expected_version expected = expected_version::any();
  /// Carried on to every event and command that follows from this one. Empty: the command id.
  std::string correlation_id = {};
  /// What made the caller send the command.
  std::string causation_id = {};
  /// Records a rejection of this command in the stream, as the event command_rejected, if the command has an id: so a
  /// repetition is rejected like the first one, and the rejection is part of the history. The version grows by it.
  bool record_rejection = false;
  /// Stored with the events. At most 255, of at most 255 bytes each.
  std::vector<std::string> tags = {};
  /// How long execute() waits for the answer, and any caller for room. On a timeout of execute() the command may still
  /// run.
  std::chrono::milliseconds timeout = std::chrono::seconds{30};
  /// Whether a caller waits for room. Must be `fail` in handlers and callbacks, which must not block.
  when_full overflow = when_full::fail;
};

/// The answer to a command that was accepted: its events are durable.
struct committed {
  /// The position in the journal of the command's last event; a query that waits for it sees the command's effect. If
  /// the command changed nothing, that of the aggregate's last event.
  std::uint64_t position = 0;
  /// The sequence number of that event: the aggregate's version.
  std::uint64_t sequence_number = 0;
  /// How many events the command led to.
  std::uint32_t events = 0;
  /// Whether this is the first outcome of a command id that was seen before.
  bool repeated = false;
};

/// Why a command has no effect: the domain rejected it, or the infrastructure failed.
class command_failure {
 public:
  command_failure(rejection no) : content_(std::move(no)) {}
  command_failure(error failed) : content_(std::move(failed)) {}

  /// The domain's reason, or nullptr.
  [[nodiscard]] const rejection* rejected() const { return std::get_if<rejection>(&content_); }
  /// The infrastructure's failure, or nullptr.
  [[nodiscard]] const error* failed() const { return std::get_if<error>(&content_); }
  [[nodiscard]] std::string message() const {
    return rejected() ? "rejected: " + rejected()->reason : failed()->message();
  }

 private:
  std::variant<rejection, error> content_;
};

using command_result = result<committed, command_failure>;

/// A command as a value, to be sent by the runtime.
struct [[nodiscard("a command is sent when a handler returns it or runtime::execute() gets it")]] outgoing_command {
  const aggregate_definition* target = nullptr;
  std::string entity_id = {};
  std::shared_ptr<const void> command = {};  // the target's variant of commands
  std::optional<retention> retain = {};      // instead of a command: what becomes of the stream
};

/// What a reaction returns: commands in the order in which they are to be sent.
using commands = std::vector<outgoing_command>;

/// Returns `command` addressed to the aggregate A named `entity_id`.
template <class A, class Command>
outgoing_command send(std::string_view entity_id, Command&& command) {
  constexpr bool known = std::is_constructible_v<typename A::command, Command&&>;
  static_assert(known, "tyto: the aggregate has no such command");
  if constexpr (known) {
    return {&definition_of<A>(), std::string{entity_id},
            std::make_shared<const typename A::command>(std::forward<Command>(command))};
  } else {
    return {};
  }
}

/// Returns a command that closes the stream of the aggregate A named `entity_id`: it can be read, but takes no more
/// events. Commands to it fail with errc::closed.
template <class A>
outgoing_command close_stream(std::string_view entity_id) {
  return {&definition_of<A>(), std::string{entity_id}, nullptr, retention{retention::action::close, 0, {}}};
}

/// Returns a command that removes the events before number `first` from the stream of the aggregate A named
/// `entity_id`, for good; the others keep their numbers and positions. So that the aggregate can recover, it must take
/// snapshots, and the image of its state is stored in place of the events; or the event `first` must be one of A's
/// `summaries`. No consumer gets the events any more, nor can one that is behind. Their bytes are there until
/// compact(), and in backups; what projections have made of them stays.
template <class A>
outgoing_command truncate_stream(std::string_view entity_id, std::uint64_t first) {
  return {&definition_of<A>(), std::string{entity_id}, nullptr, retention{retention::action::truncate, first, {}}};
}

/// Returns a command that removes all events of the aggregate A named `entity_id`, for good. The name is not used
/// again: commands to it fail with errc::closed.
template <class A>
outgoing_command delete_stream(std::string_view entity_id) {
  return {&definition_of<A>(), std::string{entity_id}, nullptr, retention{retention::action::remove, 0, {}}};
}

}  // namespace tyto

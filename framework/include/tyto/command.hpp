// Commands on their way to an aggregate, and the answers that come back.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "tyto/decision.hpp"
#include "tyto/detail/recycled_memory.hpp"
#include "tyto/event.hpp"
#include "tyto/expected_version.hpp"
#include "tyto/printable.hpp"
#include "tyto/result.hpp"
#include "tyto/retention.hpp"

namespace tyto {

struct aggregate_definition;
template <class A>
const aggregate_definition& definition_of();

/// What a command is, for people and tests.
struct command_description {
  std::string type;    // the name of its type, without namespaces
  std::string fields;  // a MessagePack map; empty: the type does not list its fields
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
  /// Carried on to every event and command that follows from this one. Empty: the command id, or if there is none an
  /// id that the runtime makes (runtime_options::ids).
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

/// The events that a command led to, or why they cannot be shown.
class decided_events {
 public:
  /// None.
  decided_events() = default;
  explicit decided_events(std::shared_ptr<const std::vector<recorded_event>> events) : events_(std::move(events)) {}
  explicit decided_events(error why) : unreadable_(std::make_shared<const error>(std::move(why))) {}

  /// Returns them in order; they stay as long as this object or a copy of it.
  [[nodiscard]] result<std::span<const recorded_event>> all() const;

 private:
  std::shared_ptr<const std::vector<recorded_event>> events_;
  std::shared_ptr<const error> unreadable_;
};

/// The answer to a command that was accepted: its events are durable.
struct committed {
  /// The position in the journal of the command's last event; a query that waits for it sees the command's effect. If
  /// the command changed nothing, that of the aggregate's last event.
  std::uint64_t position = 0;
  /// The sequence number of that event: the aggregate's version.
  std::uint64_t sequence_number = 0;
  /// How many events the command led to.
  std::uint32_t event_count = 0;
  /// Whether this is the first outcome of a command id that was seen before.
  bool repeated = false;
  /// The events themselves, with their metadata: those of the first outcome, read back from the journal, if this is a
  /// repetition. See events() and get_if().
  decided_events decided = {};

  /// Returns the events as ones of the aggregate A, to which the command was sent: `done->events<order>()`. Fails with
  /// errc::truncated, errc::undecodable or what the journal says if those of a repetition cannot be read back.
  template <class A>
  [[nodiscard]] result<std::vector<typename A::event>> events() const;

  /// Returns the first event of type E, or nullptr if there is none or it cannot be read back.
  template <event E>
  [[nodiscard]] std::shared_ptr<const E> get_if() const;
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
  /// Returns one line, printable(): the reason or the failure.
  [[nodiscard]] std::string message() const {
    return rejected() ? "rejected: " + printable(rejected()->reason) : failed()->message();
  }

 private:
  std::variant<rejection, error> content_;
};

using command_result = result<committed, command_failure>;

/// The longest id or tag of a command.
inline constexpr std::size_t max_id_bytes = 255;
/// The most tags of a command.
inline constexpr std::size_t max_tags = 255;

/// What goes with a command that is sent as a value: by a reaction, a process manager, or execute(). Like the fields of
/// command_options.
struct send_options {
  /// The version at which the aggregate must be. For a consumer's command another version is a refusal, as if the
  /// aggregate had rejected it, with the code version_refusal.
  expected_version expected = expected_version::any();
  std::vector<std::string> tags = {};
  bool record_rejection = false;
};

/// The rejection::code of a consumer's command whose aggregate was not at the version that the command expects.
inline constexpr std::string_view version_refusal = "tyto.version";

/// A command as a value, to be sent by the runtime. Making one does nothing: return it from a handler, or hand it to
/// runtime::execute().
struct [[nodiscard("a command is sent when a handler returns it or runtime::execute() gets it")]] outgoing_command {
  const aggregate_definition* target = nullptr;
  std::string entity_id = {};
  std::shared_ptr<const void> command = {};  // the target's variant of commands
  std::optional<retention> retain = {};      // instead of a command: what becomes of the stream
  send_options options = {};
};

/// What a reaction returns: commands in the order in which they are to be sent.
using commands = std::vector<outgoing_command>;

/// Returns `command` addressed to the aggregate A named `entity_id`.
template <class A, class Command>
outgoing_command send(std::string_view entity_id, Command&& command, send_options options = {}) {
  constexpr bool known = std::is_constructible_v<typename A::command, Command&&>;
  static_assert(known, "tyto: the aggregate has no such command");
  if constexpr (known) {
    return {&definition_of<A>(), std::string{entity_id},
            detail::make_recycled<const typename A::command>(std::forward<Command>(command)), std::nullopt,
            std::move(options)};
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
/// `summaries`. An image has to be read by every later version of the state, see snapshot_policy::schema_version;
/// events have upcasters, so where the state's form changes often, prefer a summary. It is decided when all that was
/// decided before it is durable, so that it may name an event that a consumer has just been given.
///
/// No consumer gets the events any more, nor can one that is behind. What projections have made of them stays, until
/// they are built anew (another name, reset(), deleted read models, a backup): then without these events. That goes for
/// the deadlines of a process manager's instance too, so keep the event that set one which has yet to run out. Their
/// bytes are there until compact(), and in backups.
template <class A>
outgoing_command truncate_stream(std::string_view entity_id, std::uint64_t first) {
  return {&definition_of<A>(), std::string{entity_id}, nullptr, retention{retention::action::truncate, first, {}}};
}

/// Returns a command that removes all events of the aggregate A named `entity_id`, for good, as truncate_stream() does.
/// The name is not used again: commands to it fail with errc::closed, also repeated ones. Closing or deleting it again
/// has no effect.
template <class A>
outgoing_command delete_stream(std::string_view entity_id) {
  return {&definition_of<A>(), std::string{entity_id}, nullptr, retention{retention::action::remove, 0, {}}};
}

template <class A>
result<std::vector<typename A::event>> committed::events() const {
  auto recorded = decided.all();
  if (!recorded) return std::move(recorded).error();
  std::vector<typename A::event> found;
  for (const auto& each : *recorded) {
    if (each.meta.type == retired_type) continue;
    auto event = detail::event_of(static_cast<const typename A::event*>(nullptr), each);
    if (!event) return std::move(event).error();
    found.push_back(*std::move(event));
  }
  return found;
}

template <event E>
std::shared_ptr<const E> committed::get_if() const {
  const auto recorded = decided.all();
  if (!recorded) return nullptr;
  for (const auto& each : *recorded) {
    if (each.meta.type != stored_name<E>) continue;
    if (auto event = event_cast<E>(each)) return *std::move(event);
  }
  return nullptr;
}

}  // namespace tyto

// The bridge from an aggregate as its author writes it (values and pure functions) to one that the runtime can drive
// without knowing its types. Checks at compile time that nothing is missing.
#pragma once

#include <concepts>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "tyto/command.hpp"
#include "tyto/detail/aggregate_checks.hpp"
#include "tyto/detail/comparable_bytes.hpp"
#include "tyto/detail/recycled_memory.hpp"
#include "tyto/detail/type_name.hpp"
#include "tyto/detail/value_comparison.hpp"
#include "tyto/document.hpp"
#include "tyto/event.hpp"
#include "tyto/snapshot_policy.hpp"

namespace tyto {

/// What is recorded of a command that was rejected, where its sender asked for it (command_options::record_rejection).
/// Part of the history and no part of state: nothing evolves by it.
struct command_rejected {
  std::string reason;
  std::string code = {};  // see rejection
  document refusal = {};  // see rejection::data; without fields if there is none
};
TYTO_EVENT_NAME(command_rejected, "tyto.command_rejected")
template <class Inspector>
bool inspect(Inspector& f, command_rejected& x) {
  return f.object(x).fields(f.field("reason", x.reason), f.field("code", x.code).fallback(std::string{}),
                            f.field("refusal", x.refusal).fallback(document{}));
}

/// Returns what is recorded of `no`.
command_rejected recorded(const rejection& no);
/// Returns the rejection of which `what` is the record.
rejection rejection_of(const command_rejected& what);

/// One aggregate's state, driven by one thread at a time.
class aggregate_instance {
 public:
  virtual ~aggregate_instance() = default;

  /// Applies a stored event. Fails with errc::unknown_event_type, unless the aggregate says `static constexpr bool
  /// skips_unknown_events = true` to pass over such events, or errc::undecodable; the instance is useless then.
  virtual result<void> replay(const event_view& event) = 0;

  /// Decides `command` (the aggregate's variant of commands) and applies the events of the decision at once. Of their
  /// metadata it fills in the type and its version. On errc::handler_failed, is_broken() says whether the state can
  /// still be used.
  virtual result<std::variant<std::vector<recorded_event>, rejection>> decide(const void* command) = 0;

  /// Whether evolve() threw, which leaves no state to go on with.
  [[nodiscard]] virtual bool is_broken() const = 0;

  /// Whether an event of the last decision asks for a snapshot.
  [[nodiscard]] virtual bool asks_for_snapshot() const = 0;

  /// Returns the state as MessagePack. Only where the definition has a snapshot_policy, like the next one.
  [[nodiscard]] virtual result<std::string> image() const = 0;

  /// Makes the state that of `image`. Fails with errc::undecodable; the instance is useless then.
  virtual result<void> restore(std::string_view image) = 0;

  /// The same for an image that stands for removed events, so that nothing could take its place: one of an earlier
  /// schema_version is brought up to date, see snapshot_policy.
  virtual result<void> restore_base(std::string_view image, std::uint32_t schema_version) = 0;
};

/// What the runtime knows of one type of aggregates. There is one object for each type, so addresses compare.
struct aggregate_definition {
  std::string_view category;
  std::unique_ptr<aggregate_instance> (*create)(std::string_view entity_id);
  std::vector<const event_type*> events;
  std::optional<snapshot_policy> snapshots;
  /// The stored names of the events that sum up all that came before them: `using summaries = tyto::events<…>`.
  std::vector<std::string_view> summaries;
  /// Describes a command, which is the aggregate's variant of commands.
  command_description (*describe)(const void* command);
  /// Returns whether two commands are equal: by ==, or in their fields, where their type lists them (TYTO_VALUE). No
  /// answer if their type holds something and has neither, or if fields do not tell.
  std::optional<bool> (*are_equal)(const void* one, const void* other);
};

namespace detail {

inline error handler_failure(std::string_view doing) {
  std::string what = "it threw something that is no std::exception";
  try {
    throw;
  } catch (const std::exception& thrown) {
    what = thrown.what();
  } catch (...) {
  }
  return {errc::handler_failed, std::string{doing}, std::move(what)};
}

/// Whether events of types that A does not have are passed over: `static constexpr bool skips_unknown_events = true`.
template <class A>
constexpr bool skips_unknown_events() {
  if constexpr (says_whether_it_skips<A>) {
    return A::skips_unknown_events;
  } else {
    return false;
  }
}

inline error unknown_event(const event_view& event, std::string_view doing, std::string_view category) {
  return {errc::unknown_event_type, std::string{doing} + " " + event.meta.persistence_id,
          "the event at position " + std::to_string(event.meta.position) + " has the type '" + event.meta.type +
              "', which category '" + std::string{category} + "' does not have"};
}

/// Decodes the payload of `event` into `value`.
template <class E>
result<void> decode_stored(const event_view& event, std::string_view doing, E& value) {
  decoder in{event.payload};
  if (in.ok() && tyto::decode(in, value)) return {};
  return error{errc::undecodable, std::string{doing} + " " + event.meta.persistence_id,
               "the event at position " + std::to_string(event.meta.position) + " (" + event.meta.type +
                   ") cannot be decoded: " + in.what()};
}

/// Makes `into` the record of an event that was just decided.
template <class E>
void seal(E event, recorded_event& into) {
  into.meta.type = stored_name<E>;
  into.meta.schema_version = schema_version_of<E>();
  into.payload = to_bytes(event);
  into.value = make_recycled<const E>(std::move(event));
  into.type = &type_of<E>();
}

template <class A>
class typed_instance final : public aggregate_instance {
 public:
  explicit typed_instance(typename A::state initial = {}) : state_(std::move(initial)) {}

  result<void> replay(const event_view& event) override {
    return replay_as(static_cast<const typename A::event*>(nullptr), event);
  }

  result<std::variant<std::vector<recorded_event>, rejection>> decide(const void* command) override {
    std::vector<recorded_event> decided;
    try {
      auto made = std::visit(
          [this](const auto& c) -> decision<typename A::event> { return A::decide(std::as_const(state_), c); },
          *static_cast<const typename A::command*>(command));
      if (const auto* no = made.rejected()) return {*no};
      std::move(made).for_each_event(
          [&](auto& event) { std::visit([&](auto& e) { seal(std::move(e), decided.emplace_back()); }, event); });
    } catch (...) {
      return handler_failure("deciding a command of category '" + std::string{A::category} + "'");
    }
    asks_for_snapshot_ = false;
    try {
      for (const auto& event : decided) apply_as(static_cast<const typename A::event*>(nullptr), event);
    } catch (...) {
      broken_ = true;
      return handler_failure("applying an event of category '" + std::string{A::category} + "'");
    }
    return {std::move(decided)};
  }

  [[nodiscard]] bool is_broken() const override { return broken_; }
  [[nodiscard]] const typename A::state& state() const { return state_; }
  [[nodiscard]] bool asks_for_snapshot() const override { return asks_for_snapshot_; }

  [[nodiscard]] result<std::string> image() const override {
    if constexpr (takes_snapshots<A>) {
      try {
        return to_bytes(state_);
      } catch (...) {
        return handler_failure("taking a snapshot of category '" + std::string{A::category} + "'");
      }
    } else {
      return takes_none();
    }
  }

  result<void> restore(std::string_view image) override {
    return restore_from([&] { return decoder{image}; });
  }

  result<void> restore_base(std::string_view image, [[maybe_unused]] std::uint32_t schema_version) override {
    std::string upcasted;
    return restore_from([&]() -> result<decoder> {
      if constexpr (upcasts_state<A>) {
        auto fields = document::open(image);
        if (!fields) return std::move(fields).error();
        for (auto from = schema_version; from < A::snapshots.schema_version; ++from) A::upcast_state(*fields, from);
        image = upcasted = fields->bytes();
      }
      decoder in{image};
      in.keep_missing_fields();
      return in;
    });
  }

 private:
  template <class Open>
  result<void> restore_from(const Open& open) {
    const auto doing = [] { return "restoring a state of category '" + std::string{A::category} + "'"; };
    if constexpr (takes_snapshots<A>) {
      try {
        result<decoder> in = open();
        if (!in) return error{errc::undecodable, doing()}.because(std::move(in).error());
        if (in->ok() && tyto::decode(*in, state_)) return {};
        return error{errc::undecodable, doing(), in->what()};
      } catch (...) {
        return handler_failure(doing());
      }
    } else {
      return takes_none();
    }
  }

  static error takes_none() {
    return {errc::invalid_argument, "taking a snapshot of category '" + std::string{A::category} + "'",
            "the aggregate has no snapshot_policy"};
  }

  template <class E>
  void evolve(const E& event) {
    state_ = A::evolve(std::move(state_), event);
  }

  template <class... Es>
  void apply_as(const std::variant<Es...>*, const recorded_event& event) {
    (void)((event.type == &type_of<Es>() && (apply(*static_cast<const Es*>(event.value.get())), true)) || ...);
  }

  template <class E>
  void apply(const E& event) {
    evolve(event);
    if constexpr (gives_snapshot_after<A, E>) {
      asks_for_snapshot_ |= A::snapshot_after(std::as_const(state_), event);
    }
  }

  template <class... Es>
  result<void> replay_as(const std::variant<Es...>*, const event_view& event) {
    result<void> outcome;
    const bool known = ((event.meta.type == stored_name<Es> && (outcome = replay_one<Es>(event), true)) || ...);
    if (!known && !skips_unknown_events<A>()) return unknown_event(event, "recovering", A::category);
    return outcome;
  }

  template <class E>
  result<void> replay_one(const event_view& event) {
    try {
      E value{};
      if (auto decoded = decode_stored(event, "recovering", value); !decoded) return decoded;
      evolve(value);
    } catch (...) {
      broken_ = true;
      return handler_failure("recovering " + event.meta.persistence_id + " at position " +
                             std::to_string(event.meta.position));
    }
    return {};
  }

  typename A::state state_;
  bool broken_ = false;
  bool asks_for_snapshot_ = false;
};

/// Whether A makes its instances itself, as it needs more than a state without a past.
template <class A>
concept makes_instances = requires(std::string_view entity_id) {
  { A::make_instance(entity_id) } -> std::same_as<std::unique_ptr<aggregate_instance>>;
};

template <class A>
std::unique_ptr<aggregate_instance> make_instance(std::string_view entity_id) {
  if constexpr (makes_instances<A>) {
    return A::make_instance(entity_id);
  } else {
    return std::make_unique<typed_instance<A>>();
  }
}

template <class Command>
command_description describe_command(const Command& command) {
  command_description made{std::string{type_name<Command>()}, {}};
  if constexpr (inspectable<Command>) made.fields = comparable_bytes(command);
  return made;
}

template <class Command>
std::optional<bool> are_equal_commands(const Command& one, const Command& other) {
  if constexpr (inspectable<Command>) {
    value_comparison both;
    const bool equal = both.equal(one, other);
    return equal && !both.unseen().empty() ? std::nullopt : std::optional{equal};
  } else if constexpr (std::equality_comparable<Command>) {
    return one == other;
  } else if constexpr (std::is_empty_v<Command>) {
    return true;
  } else {
    return std::nullopt;
  }
}

/// These two know commands of the aggregate A as aggregate_definition does.
template <class A>
command_description describe_command_of(const void* command) {
  return std::visit([](const auto& c) { return describe_command(c); },
                    *static_cast<const typename A::command*>(command));
}
template <class A>
std::optional<bool> are_equal_commands_of(const void* one, const void* other) {
  const auto& first = *static_cast<const typename A::command*>(one);
  const auto& second = *static_cast<const typename A::command*>(other);
  if (first.index() != second.index()) return false;
  return std::visit(
      [&second]<class Command>(const Command& c) { return are_equal_commands(c, std::get<Command>(second)); }, first);
}

}  // namespace detail

/// Returns the definition of the aggregate A; fails to compile, saying why, if A is incomplete.
template <class A>
const aggregate_definition& definition_of() {
  static const aggregate_definition definition = [] {
    aggregate_definition made{};
    if constexpr (detail::check_aggregate<A>()) {
      made.category = A::category;
      made.create = &detail::make_instance<A>;
      made.describe = &detail::describe_command_of<A>;
      made.are_equal = &detail::are_equal_commands_of<A>;
      [&]<class... Es>(const std::variant<Es...>*) {
        made.events = {&type_of<Es>()...};
      }(static_cast<const typename A::event*>(nullptr));
      if constexpr (detail::takes_snapshots<A>) made.snapshots = A::snapshots;
      if constexpr (detail::lists_summaries<A>) {
        detail::event_list<typename A::summaries>::for_each(
            [&]<class E>(std::type_identity<E>) { made.summaries.push_back(stored_name<E>); });
      }
    }
    return made;
  }();
  return definition;
}

}  // namespace tyto

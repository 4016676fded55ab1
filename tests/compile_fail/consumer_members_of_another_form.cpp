#include <optional>

#include "prelude.hpp"

using tyto::metadata;

struct reaction_base {
  static constexpr std::string_view name = "reaction";
  using events = tyto::events<opened>;
  static void react(const opened&, const metadata&) {}
};
struct projection_base {
  static constexpr std::string_view name = "projection";
  using events = tyto::events<opened>;
  using table = tyto::table<std::string, std::int64_t>;
  static void project(table& rows, const opened& e, const metadata&) { rows.put(e.owner, 0); }
};

struct with_failures : reaction_base {
  static constexpr int failures = 3;
};
// expect error: tyto: the failures of the consumer have another form
const auto failures = tyto::define_reaction(with_failures{});

struct with_categories : reaction_base {
  static constexpr std::string_view categories = "account";
};
// expect error: tyto: the categories of the consumer have another form
const auto categories = tyto::define_reaction(with_categories{});

struct with_partitions : reaction_base {
  std::size_t partitions = 4;
};
// expect error: tyto: the partitions of the consumer have another form
const auto partitions = tyto::define_reaction(with_partitions{});

struct with_busy_wait : reaction_base {
  static constexpr int busy_wait = 500;
};
// expect error: tyto: the busy_wait of the consumer has another form
const auto busy_wait = tyto::define_reaction(with_busy_wait{});

struct with_key : reaction_base {
  static std::string_view key(const opened& e, const metadata&) { return e.owner; }
};
// expect error: tyto: a key of the consumer has another form
const auto key = tyto::define_reaction(with_key{});

struct with_key_of_another : reaction_base {
  static std::string key(const closed&, const metadata&) { return "k"; }
};
// expect error: tyto: the key of the consumer is for none of its events
const auto key_of_another = tyto::define_reaction(with_key_of_another{});

struct with_one_key_too_many : reaction_base {
  static std::string key(const opened&, const metadata&) { return "k"; }
  static std::string key(const closed&, const metadata&) { return "k"; }
};
// expect error: tyto: a key of the consumer is for an event that is not in its list
const auto one_key_too_many = tyto::define_reaction(with_one_key_too_many{});

struct with_events : reaction_base {
  using events = std::variant<opened>;
};
// expect error: tyto: the events of the consumer have another form
const auto events = tyto::define_reaction(with_events{});

struct with_no_events : reaction_base {
  using events = tyto::events<>;
};
// expect error: tyto: the consumer's list of events is empty
const auto no_events = tyto::define_reaction(with_no_events{});

struct with_react : reaction_base {
  static void react(const opened&) {}
};
// expect error: tyto: a react of the reaction has another form
const auto react = tyto::define_reaction(with_react{});

struct with_react_of_another : reaction_base {
  using reaction_base::react;
  static void react(const closed&, const metadata&) {}
};
// expect error: tyto: a react of the reaction is for an event that is not in its list
const auto react_of_another = tyto::define_reaction(with_react_of_another{});

struct with_from : reaction_base {
  static constexpr int from = 0;
};
// expect error: tyto: the from of the reaction has another form
const auto from = tyto::define_reaction(with_from{});

struct with_replaced : reaction_base {
  using replaces = projection_base;
};
// expect error: tyto: `replaces` of the reaction has no effect
const auto replaced = tyto::define_reaction(with_replaced{});

struct with_project : projection_base {
  static void project(const table&, const opened&) {}
};
// expect error: tyto: a project of the projection has another form
const auto project = tyto::define_projection<with_project>();

struct with_project_of_another : projection_base {
  using projection_base::project;
  static void project(table&, const closed&, const metadata&) {}
  static void project(table&, const tyto::command_rejected&, const metadata&) {}
};
// expect error: tyto: a project of the projection is for an event that is not in its list
const auto project_of_another = tyto::define_projection<with_project_of_another>();

struct projection_with_from : projection_base {
  static constexpr auto from = tyto::start_from::end;
};
// expect error: tyto: `from` of the projection has no effect
const auto projection_from = tyto::define_projection<projection_with_from>();

struct with_replaces : projection_base {
  static constexpr std::string_view replaces = "old";
};
// expect error: tyto: the replaces of the projection has another form
const auto replaces = tyto::define_projection<with_replaces>();

struct with_on_rejected : reaction_base {
  static void on_rejected(const tyto::refused_command&) {}
};
// expect error: tyto: the on_rejected of the reaction has another form
const auto on_rejected = tyto::define_reaction(with_on_rejected{});

struct with_rejections : projection_base {
  static void on_rejected(const tyto::refused_command&, const metadata&) {}
};
// expect error: tyto: `on_rejected` of the projection has no effect
const auto rejections = tyto::define_projection<with_rejections>();

#include "prelude.hpp"

struct without_table {
  static constexpr std::string_view name = "projection";
  using events = tyto::events<opened>;
};
// expect error: tyto: a projection has rows; write `using table
const auto table = tyto::define_projection<without_table>();

struct without_events {
  static constexpr std::string_view name = "projection";
  using table = tyto::table<std::string, std::int64_t>;
  static void project(table&, const opened&, const tyto::metadata&) {}
  static void project(table&, const closed&, const tyto::metadata&) {}
};
// expect error: tyto: a projection has `static void project(table&, const YourEvent&, const tyto::metadata&)`
const auto events = tyto::define_projection<without_events>();

struct with_dependency {
  static constexpr std::string_view name = "projection";
  using table = tyto::table<std::string, std::int64_t>;
  explicit with_dependency(int&) {}
  static void project(table&, const opened&, const tyto::metadata&) {}
};
// expect error: tyto: the projection has dependencies; hand it over
const auto dependency = tyto::define_projection<with_dependency>();

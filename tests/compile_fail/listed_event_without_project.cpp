#include "prelude.hpp"

struct projection {
  static constexpr std::string_view name = "projection";
  using table = tyto::table<std::string, std::int64_t>;
  using events = tyto::events<opened, closed>;
  static void project(table& rows, const opened& e, const tyto::metadata&) { rows.put(e.owner, 0); }
};

// expect error: tyto: an event in the projection's list of events has no project
const auto made = tyto::define_projection<projection>();

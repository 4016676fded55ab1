#include "prelude.hpp"

struct reaction {
  static constexpr std::string_view name = "reaction";
  using events = tyto::events<opened, closed>;
  static void react(const opened&, const tyto::metadata&) {}
};

// expect error: tyto: an event in the reaction's list of events has no react
const auto made = tyto::define_reaction(reaction{});

#include "prelude.hpp"

struct reaction {
  static constexpr std::string_view name = "reaction";
  static void react(const opened&, const tyto::metadata&) {}
  static void react(const closed&, const tyto::metadata&) {}
};

// expect error: tyto: a reaction has `react(const YourEvent&, const tyto::metadata&)`; one with several lists their
const auto made = tyto::define_reaction(reaction{});

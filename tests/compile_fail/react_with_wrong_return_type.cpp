#include "prelude.hpp"

struct reaction {
  static constexpr std::string_view name = "reaction";
  static int react(const opened&, const tyto::metadata&) { return 1; }
};

// expect error: tyto: react returns tyto::commands, or nothing if it sends none
const auto made = tyto::define_reaction(reaction{});

#include "prelude.hpp"

struct suspended {};

struct reaction {
  static constexpr std::string_view name = "reaction";
  static void react(const suspended&, const tyto::metadata&) {}
};

// expect error: tyto: an event of the consumer has no stored name
const auto made = tyto::define_reaction(reaction{});

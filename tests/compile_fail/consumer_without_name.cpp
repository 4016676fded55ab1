#include "prelude.hpp"

struct reaction {
  static void react(const opened&, const tyto::metadata&) {}
};

// expect error: tyto: a consumer has `static constexpr std::string_view name`
const auto made = tyto::define_reaction(reaction{});

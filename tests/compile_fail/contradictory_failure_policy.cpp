#include "prelude.hpp"

struct reaction {
  static constexpr std::string_view name = "reaction";
  static constexpr tyto::failure_policy failures{.retries = 8, .then = tyto::on_failure::retry};
  static void react(const opened&, const tyto::metadata&) {}
};

// expect error: tyto: the failures of the consumer limit the retries of on_failure::retry, which has no limit
const auto made = tyto::define_reaction(reaction{});

#include "prelude.hpp"

struct suspended {};
TYTO_EVENT(suspended, "account.closed")

struct reaction {
  static constexpr std::string_view name = "reaction";
  using events = tyto::events<closed, suspended>;
  static void react(const closed&, const tyto::metadata&) {}
  static void react(const suspended&, const tyto::metadata&) {}
};

// expect error: tyto: two events of the consumer have the same stored name
const auto made = tyto::define_reaction(reaction{});

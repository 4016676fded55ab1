// Runs a program in simulated worlds.
#include <iostream>
#include <string_view>
#include <tyto/testing/simulation.hpp>
#include <tyto/tyto.hpp>
#include <variant>

struct opened {};
TYTO_EVENT(opened, "door.opened")

struct door {
  static constexpr std::string_view category = "door";
  struct open {};
  using command = std::variant<open>;
  using event = std::variant<opened>;
  struct state {};
  static tyto::decision<event> decide(const state&, const open&) { return opened{}; }
  static state evolve(state s, const opened&) { return s; }
};

int main() {
  tyto::testing::simulation<> house;
  house.program([](tyto::runtime& rt, auto&) { rt.aggregate<door>(); })
      .action("a door is opened",
              [](tyto::runtime& rt, auto&, auto&) { (void)rt.execute<door>("front", door::open{}); });
  const auto report = house.explore({.seeds = 3});
  std::cout << report << "\n";
  return report && report.steps > 0 ? 0 : 1;
}

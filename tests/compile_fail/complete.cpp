#include "prelude.hpp"

struct reaction {
  static constexpr std::string_view name = "reaction";
  using events = tyto::events<opened, closed>;
  static tyto::commands react(const opened&, const tyto::metadata&) {
    return {tyto::send<account>("1", close_account{})};
  }
  static void react(const closed&, const tyto::metadata&) {}
};

struct projection {
  static constexpr std::string_view name = "projection";
  using table = tyto::table<std::string, std::int64_t>;
  static void project(table& rows, const opened& e, const tyto::metadata&) { rows.put(e.owner, 0); }
};

void use() {
  (void)tyto::definition_of<account>();
  (void)tyto::define_reaction(reaction{});
  (void)tyto::define_projection<projection>();
  (void)tyto::define_subscription<opened>("subscription", [](const opened&, const tyto::metadata&) {});
}

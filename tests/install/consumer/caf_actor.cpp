// An application with a CAF actor of its own, which gets events and the answers of a live query. The README shows the
// actor.
#include <caf/all.hpp>
#include <cstdint>
#include <iostream>
#include <string>
#include <tyto/caf.hpp>
#include <tyto/tyto.hpp>
#include <variant>

struct order_completed {
  std::int64_t cents = 0;
};
struct order_cancelled {};
TYTO_EVENT(order_completed, "order.completed", cents)
TYTO_EVENT(order_cancelled, "order.cancelled")

struct complete {
  std::int64_t cents = 0;
};
struct cancel {};

struct order {
  static constexpr std::string_view category = "order";
  using command = std::variant<complete, cancel>;
  using event = std::variant<order_completed, order_cancelled>;
  struct state {};
  static tyto::decision<event> decide(const state&, const complete& c) { return order_completed{c.cents}; }
  static tyto::decision<event> decide(const state&, const cancel&) { return order_cancelled{}; }
  static state evolve(state s, const order_completed&) { return s; }
  static state evolve(state s, const order_cancelled&) { return s; }
};

struct revenue {
  static constexpr std::string_view name = "revenue.v1";
  using table = tyto::table<std::string, std::int64_t>;
  static void project(table& rows, const order_completed& e, const tyto::metadata&) {
    rows.update("all", [&](std::int64_t& cents) { cents += e.cents; });
  }
  struct total {};
  static std::int64_t query(const table& rows, const total&) { return rows.get("all").value_or(0); }
};

caf::behavior order_display(caf::event_based_actor* self, std::ostream* out) {
  return {
      [=](const tyto::event_message& m) {
        if (const auto* e = m.get_if<order_completed>()) *out << m.meta().entity_id() << ": " << e->cents << " cents\n";
        if (m.get_if<order_cancelled>() != nullptr) self->quit();
      },
      [=](const tyto::answer_message& m) { *out << "revenue: " << *m.get_if<revenue>() << " cents\n"; },
  };
}

int main() {
  tyto::runtime rt{tyto::open_memory()};
  rt.aggregate<order>().projection<revenue>().start().value();
  caf::actor_system_config config;
  caf::actor_system actors{config};

  const caf::actor display = actors.spawn(order_display, &std::cout);
  tyto::subscribe<order_completed, order_cancelled>(rt, display);
  const tyto::live_query watched = tyto::watch<revenue>(rt, {}, display).value();

  for (const auto* id : {"1", "2"}) (void)rt.execute<order>(id, complete{21}).value();
  (void)rt.execute<order>("3", cancel{}).value();
  actors.await_all_actors_done();  // the display has quit
}

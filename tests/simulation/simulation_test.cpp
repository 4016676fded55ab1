// What a simulated world promises to who uses it: faults that need an interleaving are found, told, and found again.
#include "tyto/testing/simulation.hpp"

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "support/catch.hpp"
#include "tyto/tyto.hpp"

using namespace std::chrono_literals;

using tyto::testing::choices;
using tyto::testing::inside;
using tyto::testing::simulation;
using tyto::testing::simulation_options;

namespace {

struct sold {
  std::uint64_t ticket = 0;
};
TYTO_EVENT(sold, "tickets.sold", ticket)

struct tickets {
  static constexpr std::string_view category = "tickets";
  struct sell {
    std::uint64_t ticket = 0;
  };
  using command = std::variant<sell>;
  using event = std::variant<sold>;
  struct state {
    std::set<std::uint64_t> sold;
  };
  static tyto::decision<event> decide(const state& s, const sell& c) {
    if (s.sold.contains(c.ticket)) return tyto::reject("it is sold");
    return sold{c.ticket};
  }
  static state evolve(state s, const sold& e) {
    s.sold.insert(e.ticket);
    return s;
  }
};

struct theatre {
  std::uint64_t last_ticket = 0;
  std::set<std::uint64_t> promised;
  std::multiset<std::uint64_t> printed;
  std::vector<std::uint64_t> heard;
};

/// An effect outside: at least once.
struct printing {
  static constexpr std::string_view name = "printing";
  theatre* outside;
  void react(const sold& e, const tyto::metadata&) const { outside->printed.insert(e.ticket); }
};

struct sales {
  static constexpr std::string_view name = "sales";
  using table = tyto::table<std::uint64_t, std::uint64_t>;
  static void project(table& rows, const sold& e, const tyto::metadata& m) { rows.put(e.ticket, m.position); }
  struct count {};
  static std::uint64_t query(const table& rows, const count&) { return rows.count(); }
};

/// Fails for ever.
struct restless {
  static constexpr std::string_view name = "restless";
  static constexpr tyto::failure_policy failures{.then = tyto::on_failure::retry};
  static void react(const sold&, const tyto::metadata&) { throw std::runtime_error("no"); }
};

/// Waits in its handler.
struct reselling {
  static constexpr std::string_view name = "reselling";
  tyto::runtime* rt;
  void react(const sold& e, const tyto::metadata& m) const {
    if (m.entity_id() != "stalls") return;
    tyto::command_options once;
    once.command_id = m.idempotency_key(name);
    if (!rt->execute<tickets>("resold", tickets::sell{e.ticket}, once)) throw std::runtime_error("again");
    if (!rt->query<sales>(sales::count{}, {.at_least = m.position})) throw std::runtime_error("again");
  }
};

void sell(tyto::runtime& rt, theatre& outside, choices&) {
  const auto ticket = ++outside.last_ticket;
  if (rt.execute<tickets>("stalls", tickets::sell{ticket})) outside.promised.insert(ticket);
}

simulation<theatre> ticket_office(simulation_options options = {}) {
  simulation<theatre> world{std::move(options)};
  world
      .program([](tyto::runtime& rt, theatre& outside) {
        rt.aggregate<tickets>().reaction(printing{&outside}).projection<sales>();
      })
      .action("a ticket is sold", sell);
  return world;
}

std::string promised_tickets_are_printed(const inside&, const theatre& outside) {
  for (const auto ticket : outside.promised) {
    if (!outside.printed.contains(ticket)) return "ticket " + std::to_string(ticket) + " was not printed";
  }
  return {};
}

std::string no_ticket_is_printed_twice(const inside&, const theatre& outside) {
  for (const auto ticket : outside.printed) {
    if (outside.printed.count(ticket) > 1) return "ticket " + std::to_string(ticket) + " was printed twice";
  }
  return {};
}

std::size_t lines_with(const std::vector<std::string>& story, std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(story, [text](const auto& line) { return line.find(text) != std::string::npos; }));
}

}  // namespace

TEST_CASE("A program that keeps its promises passes in every world") {
  const auto report =
      ticket_office().at_rest("promised tickets are printed", promised_tickets_are_printed).explore({.seeds = 50});
  CHECK(report);
  CHECK(report.worlds == 50);
  CHECK(report.crashes > 0);
  std::ostringstream printed;
  printed << report;
  CHECK_THAT(printed.str(), Catch::Contains("50 worlds") && Catch::Contains("all is well"));
}

TEST_CASE("A fault that needs a crash at the wrong moment is found, and told by the shortest story") {
  auto world = ticket_office();
  world.always("no ticket is printed twice", no_ticket_is_printed_twice);
  const auto report = world.explore({.seeds = 500, .shrinking_runs = 600});
  REQUIRE(report.failure);
  const auto& story = report.failure->story;
  CHECK_THAT(report.failure->what, Catch::Contains("no ticket is printed twice: ticket 1 was printed twice"));
  CHECK(lines_with(story, "begins: a ticket is sold") <= 2);
  CHECK(lines_with(story, "the program is killed") + lines_with(story, "power is lost") == 1);
  CHECK(story.size() < 12);
  std::ostringstream printed;
  printed << report;
  CHECK_THAT(printed.str(), Catch::Contains("seed " + std::to_string(report.failure->seed)) &&
                                Catch::Contains("tickets.sold {\"ticket\":1}"));

  SECTION("and the seed tells the same story again") {
    const auto again = world.explore({.first_seed = report.failure->seed, .seeds = 1, .shrinking_runs = 600});
    REQUIRE(again.failure);
    CHECK(again.failure->story == story);
  }
}

TEST_CASE("The same seeds are the same worlds, on any number of threads") {
  const auto world = ticket_office({.faults = {.failing_appends = 5, .delayed_appends = 3}});
  const auto one = world.explore({.first_seed = 7, .seeds = 20, .threads = 1});
  const auto two = world.explore({.first_seed = 7, .seeds = 20, .threads = 2});
  CHECK(one.steps == two.steps);
  CHECK(one.crashes == two.crashes);
  CHECK(one.steps != world.explore({.first_seed = 8, .seeds = 20}).steps);
}

TEST_CASE("A program is killed around every operation of its storage") {
  auto world = ticket_office({.actions = 4});
  SECTION("and passes") {
    const auto report = world.at_rest("promised tickets are printed", promised_tickets_are_printed).crash_everywhere();
    CHECK(report);
    CHECK(report.crash_points >= 4 * 4);
    CHECK(report.crashes == report.crash_points);
  }
  SECTION("and an effect that is not repeatable shows") {
    const auto report = world.always("no ticket is printed twice", no_ticket_is_printed_twice).crash_everywhere();
    REQUIRE(report.failure);
    CHECK(lines_with(report.failure->story, "the program ends") >= 1);
    REQUIRE(report.failure->crash_point);
    const auto point = *report.failure->crash_point;
    std::ostringstream printed;
    printed << report;
    CHECK_THAT(printed.str(),
               Catch::Contains("seed 1, crash point " + std::to_string(point)) && Catch::Contains("of its storage"));

    const auto again = world.crash_everywhere({.seeds = 1, .crash_point = point});
    REQUIRE(again.failure);
    CHECK(again.crash_points == 1);
    CHECK(again.failure->crash_point == point);
    CHECK(again.failure->story == report.failure->story);
    CHECK(world.crash_everywhere({.seeds = 1, .crash_point = 0}));
  }
}

TEST_CASE("What an action throws is a failure of the run") {
  auto world = ticket_office();
  world.action("the box office burns", [](tyto::runtime&, theatre&, choices&) { throw std::runtime_error("fire"); });
  const auto report = world.explore({.seeds = 20});
  REQUIRE(report.failure);
  CHECK_THAT(report.failure->what, Catch::Contains("the box office burns") && Catch::Contains("fire"));
}

TEST_CASE("What a program makes of its own end is no failure of the run") {
  auto world = ticket_office({.crashes = 100});
  world.action("an impatient customer", [](tyto::runtime&, theatre&, choices&) {
    try {
      tyto::testing::let_pass(1min);
    } catch (...) {
      throw std::runtime_error("it takes too long");
    }
  });
  CHECK(world.explore({.seeds = 50}));
}

TEST_CASE("Where the world cannot be made or goes to pieces, its seed fails and says why") {
  auto world = ticket_office();
  SECTION("as its storage cannot be opened") {
    simulation_options options;
    options.storage = [] { return [] { return tyto::result<tyto::storage>{tyto::error{tyto::errc::io, "opening"}}; }; };
    world = ticket_office(options);
  }
  SECTION("as its storage cannot be opened again after a crash") {
    simulation_options options{.crashes = 20};
    options.storage = [] {
      return [was_opened = false]() mutable -> tyto::result<tyto::storage> {
        if (std::exchange(was_opened, true)) return tyto::error{tyto::errc::io, "opening"};
        return tyto::open_memory();
      };
    };
    world = ticket_office(options);
  }
  const auto report = world.explore({.seeds = 4, .shrinking_runs = 10});
  REQUIRE(report.failure);
  CHECK_THAT(report.failure->what, Catch::Contains("opening"));
}

TEST_CASE("A model that cannot be made is a failure of the run") {
  struct no_outside {
    no_outside() { throw std::runtime_error("there is no outside"); }
  };
  const auto report = simulation<no_outside>{}.explore({.seeds = 4});
  REQUIRE(report.failure);
  CHECK_THAT(report.failure->what, Catch::Contains("there is no outside"));
}

namespace {

/// A store whose end nobody has seen, or that does what no store may.
struct strange_store final : tyto::event_store {
  explicit strange_store(std::function<void()> act) : act_(std::move(act)) {}
  void append(tyto::append_batch batch, append_done done) override {
    memory_->append(std::move(batch), std::move(done));
  }
  tyto::result<tyto::stream_info> read_stream(std::string_view id, std::uint64_t from,
                                              const tyto::event_visitor& visitor) const override {
    return memory_->read_stream(id, from, visitor);
  }
  tyto::result<std::uint64_t> read_all(const tyto::journal_range& range,
                                       const tyto::event_visitor& visitor) const override {
    return memory_->read_all(range, visitor);
  }
  tyto::result<tyto::stream_info> info(std::string_view id) const override { return memory_->info(id); }
  tyto::result<std::uint64_t> head() const override { return act_(), memory_->head(); }
  tyto::result<std::uint64_t> load_checkpoint(std::string_view name) const override {
    return memory_->load_checkpoint(name);
  }
  tyto::result<std::vector<tyto::checkpoint>> checkpoints() const override { return memory_->checkpoints(); }
  tyto::result<std::uint64_t> size_bytes() const override { return memory_->size_bytes(); }

  std::function<void()> act_;
  std::shared_ptr<tyto::event_store> memory_ = tyto::open_memory().journal;
};

simulation<theatre> office_over(std::function<void()> act, simulation_options options) {
  options.storage = [act = std::move(act)] {
    auto stores = tyto::open_memory();
    stores.journal = std::make_shared<strange_store>(act);
    return [stores]() -> tyto::result<tyto::storage> { return stores; };
  };
  return ticket_office(std::move(options));
}

}  // namespace

TEST_CASE("A start that does not end, or that throws, is a failure of the run") {
  SECTION("does not end") {
    const auto report = office_over(
                            [] {
                              for (;;) tyto::testing::let_pass(1s);
                            },
                            {.max_steps = 1'000})
                            .explore({.seeds = 2, .shrinking_runs = 10});
    REQUIRE(report.failure);
    CHECK_THAT(report.failure->what, Catch::Contains("the world comes to rest"));
  }
  SECTION("throws") {
    const auto report =
        office_over([] { throw std::runtime_error("the disk burns"); }, {}).explore({.seeds = 2, .shrinking_runs = 10});
    REQUIRE(report.failure);
    CHECK_THAT(report.failure->what, Catch::Contains("the disk burns"));
  }
}

TEST_CASE("What always holds is looked at when an append is stored, also if that takes its time") {
  std::set<std::uint64_t> heads_before_the_answer;
  auto world = ticket_office({.actions = 1, .crashes = 0, .faults = {.delayed_appends = 1}});
  world.always("nobody is told too early", [&](const inside& at, const theatre& outside) -> std::string {
    if (outside.promised.empty()) heads_before_the_answer.insert(at.stored.journal->head().value());
    return {};
  });
  CHECK(world.explore({.seeds = 5, .threads = 1}));
  CHECK(heads_before_the_answer.contains(1));
}

TEST_CASE("What always holds is looked at after each start, and at rest") {
  std::atomic<int> looks = 0;
  simulation<theatre> world{{.actions = 0, .crashes = 0}};
  world.program([](tyto::runtime& rt, theatre&) { rt.aggregate<tickets>(); })
      .always("it is looked at", [&](const inside& at, const theatre&) -> std::string {
        ++looks;
        return at.program.status().head == 0 ? "" : "there is something";
      });
  CHECK(world.explore({.seeds = 1}));
  CHECK(looks == 4);
}

TEST_CASE("A check of what always holds cannot wait, and is told so") {
  auto world = ticket_office();
  SECTION("for time") {
    world.always("time passes", [](const inside&, const theatre&) -> std::string {
      tyto::testing::let_pass(1s);
      return {};
    });
  }
  SECTION("for a command") {
    world.always("a ticket is sold", [](const inside& at, const theatre&) -> std::string {
      (void)at.program.execute<tickets>("stalls", tickets::sell{1'000});
      return {};
    });
  }
  const auto report = world.explore({.seeds = 1, .shrinking_runs = 0});
  REQUIRE(report.failure);
  CHECK_THAT(report.failure->what, Catch::Contains("nobody can wait here"));
}

TEST_CASE("A simulation that would try nothing is refused") {
  simulation<> none;
  CHECK_THROWS_AS(none.explore({.seeds = 0}), std::invalid_argument);
  CHECK_THROWS_AS(none.crash_everywhere({.seeds = 0}), std::invalid_argument);
  simulation<> idle{{.actions_at_once = 0}};
  CHECK_THROWS_AS(idle.explore({.seeds = 1}), std::invalid_argument);
}

TEST_CASE("An action that has nothing to choose from fails, and what is told is safe to print") {
  const auto fails = [](const std::function<void(choices&)>& act) {
    simulation<> odd{{.actions = 1}};
    odd.action("drawing\x1b[31m", [act](tyto::runtime&, tyto::testing::no_model&, choices& draw) { act(draw); });
    const auto report = odd.explore({.seeds = 1});
    REQUIRE_FALSE(report);
    std::ostringstream told;
    told << report;
    CHECK(told.str().find('\x1b') == std::string::npos);
    return told.str();
  };
  CHECK_THAT(fails([](choices& draw) { (void)draw.pick(std::vector<int>{}); }), Catch::Contains("nothing to choose"));
  CHECK_THAT(fails([](choices& draw) { (void)draw.below(0); }), Catch::Contains("nothing to choose"));
  CHECK_THAT(fails([](choices& draw) { (void)draw.between(5, 3); }), Catch::Contains("nothing to choose"));
  CHECK_THAT(fails([](choices&) { throw std::runtime_error{"red \x1b[31m\nsecond line"}; }),
             Catch::Contains("\\x1b[31m\n"));
}

TEST_CASE("Time passes in a simulated world alone") { CHECK_THROWS_AS(tyto::testing::let_pass(1s), std::logic_error); }

TEST_CASE("What is done finally is done at rest, before the checks look, and before and after the last restart") {
  auto world = ticket_office({.actions = 3, .faults = {.failing_appends = 3}});
  world
      .finally("two more are sold",
               [](tyto::runtime& rt, theatre& outside, choices& draw) {
                 const auto before = outside.promised.size();
                 sell(rt, outside, draw);
                 sell(rt, outside, draw);
                 if (outside.promised.size() != before + 2) throw std::runtime_error("there are faults");
               })
      .at_rest("they are printed", [](const inside&, const theatre& outside) -> std::string {
        return outside.promised.contains(outside.last_ticket) && outside.printed.contains(outside.last_ticket)
                   ? ""
                   : "the last ticket was not printed";
      });
  CHECK(world.explore({.seeds = 20}));
  SECTION("and what it throws is a failure") {
    world.finally("the box office burns", [](tyto::runtime&, theatre&, choices&) { throw std::runtime_error("fire"); });
    const auto report = world.explore({.seeds = 1, .shrinking_runs = 0});
    REQUIRE(report.failure);
    CHECK_THAT(report.failure->what, Catch::Contains("the box office burns") && Catch::Contains("fire"));
  }
}

TEST_CASE("A run that does not fail again when it is repeated is told as such") {
  std::atomic<bool> has_failed = false;
  auto world = ticket_office();
  world.at_rest("it is as before", [&](const inside&, const theatre&) -> std::string {
    return has_failed.exchange(true) ? "" : "it is not";
  });
  const auto report = world.explore({.seeds = 3});
  REQUIRE(report.failure);
  CHECK_THAT(report.failure->what,
             Catch::Contains("it is as before: it is not") && Catch::Contains("The same run did not fail again"));
  CHECK(report.failure->story.empty());
}

TEST_CASE("The clock of a world jumps as often as it is told to, back and forth") {
  const auto moves_of = [](std::uint32_t clock_jumps) {
    std::pair<bool, bool> moved{false, false};  // back, forth
    simulation<> world{{.crashes = 0, .clock_jumps = clock_jumps}};
    auto last = std::make_shared<tyto::timestamp>(tyto::timestamp::min());
    world.program([](tyto::runtime& rt, tyto::testing::no_model&) { rt.aggregate<tickets>(); })
        .action("a ticket is sold", [last, &moved](tyto::runtime& rt, tyto::testing::no_model&, choices& draw) {
          const auto sold_at = rt.execute<tickets>("stalls", tickets::sell{draw.below(1'000'000)});
          if (!sold_at) return;
          const auto now = sold_at->decided.all().value().front().meta.time;
          moved.first |= *last != tyto::timestamp::min() && now + 1h < *last;
          moved.second |= *last != tyto::timestamp::min() && now > *last + 1h;
          *last = now;
        });
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
      *last = tyto::timestamp::min();
      CHECK(world.explore({.first_seed = seed, .seeds = 1, .threads = 1}));
    }
    return moved;
  };
  CHECK(moves_of(0) == std::pair{false, false});
  CHECK(moves_of(20) == std::pair{true, true});
}

TEST_CASE("A journal that is broken takes nothing until the program has started again, and all is well then") {
  auto world = ticket_office({.crashes = 0, .faults = {.breaking_appends = 10}});
  world.at_rest("promised tickets are printed", promised_tickets_are_printed);
  const auto report = world.explore({.seeds = 50});
  CHECK(report);
  CHECK(report.crashes > 10);
}

TEST_CASE("A program that never comes to rest fails") {
  simulation<theatre> world{{.actions = 2}};
  world.program([](tyto::runtime& rt, theatre&) { rt.aggregate<tickets>().reaction<restless>(); })
      .action("a ticket is sold", sell);
  const auto report = world.explore({.seeds = 3, .shrinking_runs = 10});
  REQUIRE(report.failure);
  CHECK_THAT(report.failure->what, Catch::Contains("comes to rest") && Catch::Contains("restless"));
}

TEST_CASE("Handlers may wait for commands and queries") {
  simulation<theatre> world;
  world
      .program(
          [](tyto::runtime& rt, theatre&) { rt.aggregate<tickets>().projection<sales>().reaction(reselling{&rt}); })
      .action("a ticket is sold", sell)
      .at_rest("all are resold", [](const inside& at, const theatre&) -> std::string {
        const auto first = tyto::history<tickets>(*at.stored.journal, "stalls").value().size();
        const auto second = tyto::history<tickets>(*at.stored.journal, "resold").value().size();
        return first == second ? "" : std::to_string(second) + " of " + std::to_string(first) + " are resold";
      });
  CHECK(world.explore({.seeds = 100}));
}

TEST_CASE("Subscriptions and live queries hear of everything while the program lives") {
  simulation<theatre> world{{.actions = 10, .crashes = 0}};
  world
      .program([](tyto::runtime& rt, theatre& outside) {
        rt.aggregate<tickets>().projection<sales>();
        rt.subscribe<sold>([&outside](const sold& e, const tyto::metadata&) { outside.heard.push_back(e.ticket); });
      })
      .action("a ticket is sold", sell)
      .action("somebody watches",
              [](tyto::runtime& rt, theatre&, choices&) {
                std::uint64_t seen = 0;
                auto live = rt.watch<sales>(sales::count{}, [&seen](std::uint64_t count) {
                  if (count < seen) throw std::runtime_error("the answer went back");
                  seen = count;
                });
                tyto::testing::let_pass(std::chrono::seconds{1});
                const auto now = rt.query<sales>(sales::count{});
                if (live && now && seen > *now) throw std::runtime_error("the watcher is ahead");
              })
      .at_rest("all were heard", [](const inside& at, const theatre& outside) -> std::string {
        const auto all = tyto::history<tickets>(*at.stored.journal, "stalls").value().size();
        return outside.heard.size() == all ? "" : std::to_string(outside.heard.size()) + " of " + std::to_string(all);
      });
  const auto report = world.explore({.seeds = 100});
  CHECK(report);
}

TEST_CASE("A world's time passes without anybody waiting for it") {
  simulation<> world{{.actions = 1, .crashes = 0, .varies_limits = false}};
  world.action("half a day passes", [](tyto::runtime&, tyto::testing::no_model&, choices&) {
    tyto::testing::let_pass(std::chrono::hours{12});
  });
  const auto report = world.explore({.seeds = 1});
  CHECK(report);
  CHECK(report.steps > 1'000);
}

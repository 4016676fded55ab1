// A simulated world for a whole program: its aggregates, consumers, process managers, deadlines and subscriptions run
// on one thread, under a clock and over a storage that are simulated too. The order in which things happen, and what
// fails meanwhile, are drawn from a seed: a seed that shows a fault shows it every time.
//     struct till { std::int64_t paid = 0; };  // what the world outside knows; it outlives crashes of the program
//     tyto::testing::simulation<till> sales;
//     sales.program([](tyto::runtime& rt, till&) { rt.aggregate<order>().projection<revenue>(); })
//         .action("an order is paid", [](tyto::runtime& rt, till& t, tyto::testing::choices& draw) { … })
//         .always("no order is paid twice", [](const tyto::testing::inside& at, const till& t) { return std::string{…};
//         });
//     const auto report = sales.explore({.seeds = 1'000});
//     REQUIRE(report);  // prints the story of the shortest schedule that fails
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "tyto/runtime.hpp"
#include "tyto/testing/choices.hpp"
#include "tyto/testing/storage_faults.hpp"
#include "tyto/testing/storage_opener.hpp"

namespace tyto::testing {

/// What may happen in a world, and how often.
struct simulation_options {
  /// How many actions are begun in one run, and how many of them at most are under way at once.
  std::size_t actions = 20;
  std::size_t actions_at_once = 4;

  /// About one step of the scheduler in so many ends the program, which is started again; 0: none. In half of them, by
  /// choice, power is lost.
  std::uint32_t crashes = 400;
  /// About one step in so many sets the clock of the world, by up to a day, back or forth; 0: none.
  std::uint32_t clock_jumps = 2'000;
  /// About one step in so many, at most one in eight, an actor gets no time for a while, for example a consumer; or
  /// none of them does; 0: none. The while is `longest_stall` at most.
  std::uint32_t stalls = 64;
  std::chrono::milliseconds longest_stall{512};
  /// None, unless something is set.
  storage_faults faults = {};

  /// Makes the storage of one run, and is called for each: what it returns opens that storage, first and after each
  /// crash. Without it, a run stores in memory.
  std::function<storage_opener()> storage = {};

  /// The program's limits. Clock, ids and log are the world's.
  runtime_options runtime = {};
  /// Draws small limits in every other run, so that what happens in big programs happens in small runs: aggregates
  /// leave memory, consumers fall behind and read the journal, batches are short.
  bool varies_limits = true;

  /// How long the program is given to come to rest at the end, and how far the clock moves then, in one leap, so that
  /// deadlines run out that are set for up to this time. In the world's time.
  std::chrono::milliseconds patience = std::chrono::minutes{5};
  std::chrono::milliseconds afterwards = std::chrono::hours{24 * 31};

  /// A run of more steps than this fails: it does not come to an end.
  std::uint64_t max_steps = 200'000;
};

/// Lets so much of the world's time pass: for actions, handlers and checks at rest, on whose simulated thread it is
/// called. Throws std::logic_error elsewhere.
void let_pass(std::chrono::milliseconds time);

/// What checks look at.
struct inside {
  runtime& program;
  /// What is stored, without faults: for evolve(), history(), export_json_lines() and the like.
  const storage& stored;
};

/// Which worlds are to be tried.
struct exploration {
  std::uint64_t first_seed = 1;
  std::uint64_t seeds = 1'000;
  std::size_t threads = 0;  // 0: one for each core
  /// The one moment that crash_everywhere() tries, as simulation_failure counts them; none: all.
  std::optional<std::uint64_t> crash_point = {};
  /// How many shorter schedules are tried once one has failed.
  std::size_t shrinking_runs = 2'000;
};

/// A world in which something was wrong.
struct simulation_failure {
  std::uint64_t seed = 0;
  /// Where crash_everywhere() ended the program, if it did: four times the number of the storage's operation, counted
  /// from 0, plus 2 if the program ended after it and not before, plus 1 if power was lost.
  std::optional<std::uint64_t> crash_point = {};
  std::string what;
  /// What happened in the shortest run that was found to fail in the same way, line by line.
  std::vector<std::string> story;
};

/// What a number of worlds have shown.
struct simulation_report {
  std::uint64_t worlds = 0;
  std::uint64_t steps = 0;         // of all of them
  std::uint64_t crashes = 0;       // likewise
  std::uint64_t crash_points = 0;  // those that crash_everywhere() has tried, see simulation_failure
  std::chrono::duration<double> time{0};
  std::optional<simulation_failure> failure;

  explicit operator bool() const { return !failure; }
  /// Prints how many worlds there were, or what failed, with its story.
  friend std::ostream& operator<<(std::ostream& out, const simulation_report& report);
};

}  // namespace tyto::testing

namespace tyto::detail {

/// A simulation without its types.
struct world_definition {
  testing::simulation_options options;
  std::function<std::shared_ptr<void>()> make_model;
  std::function<void(runtime&, void*)> program;
  struct action {
    std::string name;
    std::function<void(runtime&, void*, testing::choices&)> run;
  };
  struct check {
    std::string name;
    std::function<std::string(const testing::inside&, const void*)> look;
  };
  std::vector<action> actions;
  std::vector<action> finally;
  std::vector<check> always;
  std::vector<check> at_rest;
};

testing::simulation_report explore(const world_definition& of, const testing::exploration& worlds);
testing::simulation_report crash_everywhere(const world_definition& of, const testing::exploration& worlds);

}  // namespace tyto::detail

namespace tyto::testing {

/// What a simulation without a model knows of the world outside.
struct no_model {};

/// A program, what is done to it, and what must hold. `Model` is what the world outside knows: made anew for each run,
/// it outlives the program's crashes, so actions note there what they were promised. All functions may be called from
/// several threads at once, each with a model of its own.
template <class Model = no_model>
class simulation {
 public:
  explicit simulation(simulation_options options = {}) {
    of_.options = std::move(options);
    of_.make_model = [] { return std::make_shared<Model>(); };
    of_.program = [](runtime&, void*) {};
  }

  /// Registers aggregates and consumers, and subscribes: called before each start of the program. Handlers may refer to
  /// the model.
  simulation& program(std::function<void(runtime&, Model&)> define) {
    of_.program = [define = std::move(define)](runtime& rt, void* model) { define(rt, *static_cast<Model*>(model)); };
    return *this;
  }

  /// Adds something that the world outside does: sends commands, asks, pauses consumers. It has a simulated thread of
  /// its own, may wait, and ends without notice where the program crashes. What it throws is a failure of the run.
  simulation& action(std::string name, std::function<void(runtime&, Model&, choices&)> run) {
    of_.actions.push_back(action_of(std::move(name), std::move(run)));
    return *this;
  }

  /// Adds something that is done once everything has come to rest: no fault comes any more, and nobody is stalled. Then
  /// the program comes to rest again, and the checks look. Those that are added earlier are done first, all of them
  /// before the last restart and after it. What one throws is a failure of the run.
  simulation& finally(std::string name, std::function<void(runtime&, Model&, choices&)> run) {
    of_.finally.push_back(action_of(std::move(name), std::move(run)));
    return *this;
  }

  /// Adds what must hold while the program runs. Looked at whenever the program has started, something has been stored,
  /// or an action has ended, and at rest; what a handler notes in the model is seen then. Returns what is wrong, an
  /// empty text if all is well. Must not wait: of the runtime it calls query(), status(), health() and dead_letters()
  /// alone.
  simulation& always(std::string name, std::function<std::string(const inside&, const Model&)> look) {
    of_.always.push_back(check(std::move(name), std::move(look)));
    return *this;
  }

  /// Adds what must hold when all is done: no faults come any more, the deadlines of the next `afterwards` have run
  /// out, and nothing follows. It is looked at before and after a last restart of the program, and may wait.
  simulation& at_rest(std::string name, std::function<std::string(const inside&, const Model&)> look) {
    of_.at_rest.push_back(check(std::move(name), std::move(look)));
    return *this;
  }

  /// Runs a world for each seed, until one fails. That one's schedule is made shorter as long as it still fails.
  [[nodiscard]] simulation_report explore(const exploration& worlds = {}) const {
    return tyto::detail::explore(of_, worlds);
  }

  /// Runs the world of each seed without faults, and then again for each moment around an operation of its storage, at
  /// which the program dies: before the operation has any effect, and right after it; killed, and with power lost.
  [[nodiscard]] simulation_report crash_everywhere(const exploration& worlds = {.seeds = 1}) const {
    return tyto::detail::crash_everywhere(of_, worlds);
  }

 private:
  static tyto::detail::world_definition::action action_of(std::string name,
                                                          std::function<void(runtime&, Model&, choices&)> run) {
    return {std::move(name), [run = std::move(run)](runtime& rt, void* model, choices& draw) {
              run(rt, *static_cast<Model*>(model), draw);
            }};
  }

  static tyto::detail::world_definition::check check(std::string name,
                                                     std::function<std::string(const inside&, const Model&)> look) {
    return {std::move(name), [look = std::move(look)](const inside& at, const void* model) {
              return look(at, *static_cast<const Model*>(model));
            }};
  }

  tyto::detail::world_definition of_;
};

}  // namespace tyto::testing
